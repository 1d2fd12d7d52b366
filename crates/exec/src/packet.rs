//! Moving messages and file descriptors between the executor and its spawner.
//!
//! One message is one packet of a `SOCK_SEQPACKET` pair, so there is nothing to put together and nothing to
//! get out of step. A message that is too large for a packet travels in a memory file whose descriptor is in
//! the packet. What the bytes mean is `wire`'s business.

use std::io::{self, IoSlice, IoSliceMut, Read as _, Seek as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::MemfdFlags;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

/// The first byte of a packet: the message follows.
pub(crate) const INLINE: u8 = 0;
/// The first byte of a packet: the message is in the memory file that is the last descriptor.
const IN_FILE: u8 = 1;
/// Longest packet. A third of the kernel's default buffer, so that several fit.
pub(crate) const PACKET_MAX_BYTES: usize = 64 << 10;
/// Two streams and a memory file.
const FDS_MAX: usize = 3;

/// The two ends, both closed on exec and never blocking the caller unless asked to.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

/// Whether a call may wait for the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    Yes,
    No,
}

/// Sends a message whose first byte is [`INLINE`].
pub(crate) fn send(
    socket: BorrowedFd<'_>,
    message: &[u8],
    fds: &[BorrowedFd<'_>],
    wait: Wait,
) -> io::Result<()> {
    if message.len() <= PACKET_MAX_BYTES {
        return send_packet(socket, message, fds, wait);
    }
    let file = rustix::fs::memfd_create("formic-request", MemfdFlags::CLOEXEC)?;
    let mut file = std::fs::File::from(file);
    file.write_all(message)?;
    let mut all: Vec<BorrowedFd<'_>> = fds.to_vec();
    all.push(file.as_fd());
    send_packet(socket, &[IN_FILE], &all, wait)
}

fn send_packet(
    socket: BorrowedFd<'_>,
    packet: &[u8],
    fds: &[BorrowedFd<'_>],
    wait: Wait,
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() {
        let fits = control.push(SendAncillaryMessage::ScmRights(fds));
        debug_assert!(fits, "no message carries more than three descriptors");
    }
    let mut flags = SendFlags::NOSIGNAL;
    if wait == Wait::No {
        flags |= SendFlags::DONTWAIT;
    }
    loop {
        match sendmsg(socket, &[IoSlice::new(packet)], &mut control, flags) {
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// What [`receive`] found.
#[derive(Debug)]
pub(crate) enum Received<'a> {
    /// A message without its first byte, and the descriptors that came with it.
    Message(&'a [u8], Vec<OwnedFd>),
    /// None is there yet.
    Nothing,
    /// The other side is gone.
    Closed,
}

/// Room for a packet, used again for each.
pub(crate) struct Buffer {
    packet: Box<[u8]>,
    /// The message that did not fit into a packet.
    large: Vec<u8>,
}

impl Buffer {
    pub(crate) fn new() -> Self {
        Self {
            packet: vec![0; PACKET_MAX_BYTES].into(),
            large: Vec::new(),
        }
    }
}

/// Receives a message, without waiting for one.
pub(crate) fn receive<'a>(
    socket: BorrowedFd<'_>,
    buffer: &'a mut Buffer,
) -> io::Result<Received<'a>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    let size_bytes = loop {
        match recvmsg(
            socket,
            &mut [IoSliceMut::new(&mut buffer.packet)],
            &mut control,
            flags,
        ) {
            Ok(message) => break message.bytes,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Ok(Received::Nothing),
            Err(Errno::CONNRESET) => return Ok(Received::Closed),
            Err(errno) => return Err(errno.into()),
        }
    };
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    match &buffer.packet[..size_bytes] {
        [] => Ok(Received::Closed),
        [INLINE, message @ ..] => Ok(Received::Message(message, fds)),
        _ => {
            let file = fds.pop().ok_or(io::ErrorKind::InvalidData)?;
            let mut file = std::fs::File::from(file);
            file.rewind()?;
            buffer.large.clear();
            file.read_to_end(&mut buffer.large)?;
            let message = buffer.large.get(1..).ok_or(io::ErrorKind::InvalidData)?;
            Ok(Received::Message(message, fds))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(size_bytes: usize) -> Vec<u8> {
        let (ours, theirs) = pair().expect("a socket pair can be made");
        let message = vec![0x5a; size_bytes];
        let message = [&[INLINE][..], &message].concat();
        let (reader, _writer) = rustix::pipe::pipe().expect("a pipe can be made");
        send(ours.as_fd(), &message, &[reader.as_fd()], Wait::No).expect("sent");
        let mut buffer = Buffer::new();
        let received = receive(theirs.as_fd(), &mut buffer).expect("received");
        let Received::Message(message, fds) = received else {
            panic!("a message was sent");
        };
        assert_eq!(fds.len(), 1);
        message.to_vec()
    }

    #[test]
    fn message_of_any_size_arrives_whole_with_its_descriptors() {
        for size_bytes in [1, PACKET_MAX_BYTES - 1, PACKET_MAX_BYTES, 5 << 20] {
            let received = round_trip(size_bytes);
            assert_eq!(received.len(), size_bytes);
            assert!(received.iter().all(|byte| *byte == 0x5a));
        }
    }

    #[test]
    fn closed_and_empty_are_told_apart() {
        let (ours, theirs) = pair().expect("a socket pair can be made");
        let mut buffer = Buffer::new();
        assert!(matches!(
            receive(theirs.as_fd(), &mut buffer),
            Ok(Received::Nothing)
        ));
        drop(ours);
        assert!(matches!(
            receive(theirs.as_fd(), &mut buffer),
            Ok(Received::Closed)
        ));
    }
}
