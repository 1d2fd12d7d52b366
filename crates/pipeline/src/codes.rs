//! Every kind of error and warning, with its stable code, its meaning, and a wrong and a right example.
//!
//! `formic explain CODE` prints an entry. A code is never given a second meaning; one that is no
//! longer used stays free.
//!
//! E01 text and YAML, E02 shape, E03 names and graph, E04 expressions, E05 params, E06 matrices,
//! E07 outputs and artifacts, E08 limits, E09 what this version does not do yet, E10 other files, W warnings.

/// One kind of error or warning.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// The stable code.
    pub code: &'static str,
    /// What it means, one sentence.
    pub meaning: &'static str,
    /// A file, or a part of one, that has the fault.
    pub wrong: &'static str,
    /// The same, mended.
    pub right: &'static str,
}

/// Defines the codes and the list of all of them.
macro_rules! codes {
    ($($name:ident = $code:literal: $meaning:expr, $wrong:literal => $right:literal;)+) => {
        $(#[doc = $meaning]
        pub static $name: Code = Code {
            code: $code,
            meaning: $meaning,
            wrong: $wrong,
            right: $right,
        };)+

        /// Every code, in order.
        pub static ALL: &[&Code] = &[$(&$name,)+];
    };
}

codes! {
    FILE_TOO_LARGE = "E0101": "A pipeline file has at most 1 MiB.",
        "a file of 2 MiB" => "a task with `generates`, or a `matrix`";
    NOT_UTF8 = "E0102": "A pipeline file is UTF-8 text.",
        "a file saved as Latin-1 or UTF-16" => "the same file saved as UTF-8";
    CONTROL_CHARACTER = "E0103": "A file holds no control characters except tab and line breaks.",
        "run: printf ^[[31m" => "run: printf '\\x1b[31m'";
    SYNTAX = "E0104": "The file is not YAML.",
        "run: echo note: done" => "run: 'echo note: done'";
    TAB = "E0105": "YAML indents with spaces, never with tabs.",
        "tasks:\n\ttest: {run: make test}" => "tasks:\n  test: {run: make test}";
    SEVERAL_DOCUMENTS = "E0106": "A file holds one pipeline; `---` begins a second document.",
        "tasks: {a: {run: make a}}\n---\ntasks: {b: {run: make b}}" => "tasks: {a: {run: make a}, b: {run: make b}}";
    DUPLICATE_KEY = "E0107": "A key may stand in a mapping only once; a second one would hide the first.",
        "test:\n  run: make\n  run: make test" => "test:\n  run: |\n    make\n    make test";
    KEY_NOT_TEXT = "E0108": "A key is text, never a list or a mapping.",
        "name: {{ x }}" => "name: x";
    TAG = "E0109": "Tags such as `!!str` are not needed: the key decides the type of its value.",
        "name: !!str 5" => "name: \"5\"";
    UNKNOWN_ANCHOR = "E0110": "An alias `*name` needs an anchor `&name` above it.",
        "artifacts: {out: {all: *.txt}}" => "artifacts: {out: {all: \"*.txt\"}}";
    ALIAS_IN_ITSELF = "E0111": "An alias may not stand inside the value that it names.",
        "env: &all {A: *all}" => "env: {A: x}";
    MERGE_NOT_MAPPING = "E0112": "The merge key `<<` takes a mapping or a list of mappings.",
        "<<: [a, b]" => "<<: {timeout: 5m}";
    TOO_DEEP = "E0113": "Lists and mappings may be nested 64 levels deep.",
        "[[[[[…]]]]]" => "[…]";
    TOO_MANY_VALUES = "E0114": "A file has at most 200000 values once aliases are followed, and aliases repeat at most 1 MiB of text.",
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]" => "a: [x, x]";
    UNREADABLE = "E0115": "A pipeline file is there, an ordinary file, open to whoever checks it, and not another system's.",
        "formic check ci.yaml, where `ci.yaml` is a folder" => "formic check ci.yaml, where `ci.yaml` is a file";

    UNKNOWN_KEY = "E0201": "The key does not exist here.",
        "test: {run: make, need: [lint]}" => "test: {run: make, needs: [lint]}";
    MISSING_KEY = "E0202": "A key that has to be there is missing.",
        "concurrency: {limit: 2}" => "concurrency: {group: deploy, limit: 2}";
    WRONG_SHAPE = "E0203": "The value is not of the kind that the key takes.",
        "steps: make test" => "steps: [{run: make test}]";
    NO_VALUE = "E0204": "A key stands without a value.",
        "test: {run: }" => "test: {run: make}";
    NOT_BOOLEAN = "E0205": "The key takes `true` or `false`, and no other word for them.",
        "critical: no" => "critical: false";
    NOT_INTEGER = "E0206": "The key takes a whole number, written in decimal digits.",
        "priority: 1e3" => "priority: 1000";
    NOT_DURATION = "E0207": "The key takes a time with its unit: ms, s, m, h or d.",
        "timeout: 90" => "timeout: 90s";
    NOT_SIZE = "E0208": "The key takes a size with its unit.",
        "memory: 2" => "memory: 2GiB";
    NOT_CPU = "E0209": "The key takes a number of CPUs, or thousandths of one with `m`.",
        "cpu: two" => "cpu: 500m";
    NOT_ONE_OF = "E0210": "The key takes one of a few words.",
        "if_missing: error" => "if_missing: fail";
    NOT_NAME = "E0211": concat!("A name has ", crate::scalar::name_form!(), "."),
        "tasks: {unit tests: {run: make}}" => "tasks: {unit-tests: {run: make}}";
    IF_KEY = "E0212": "The condition of a task or a step is called `when`.",
        "if: signal.branch == 'main'" => "when: signal.branch == 'main'";
    FOREIGN_KEY = "E0213": "The key belongs to another system's files; Formic has another word for it.",
        // foreign: their key is the example
        "jobs: {test: {run: make}}" => "tasks: {test: {run: make}}";
    NOT_TOGETHER = "E0214": "Two keys exclude each other.",
        "test: {run: make, steps: [{run: make}]}" => "test: {run: make}";
    NOTHING_TO_DO = "E0215": "A task has to say what it does: `run`, `steps`, `uses`, `approval` or `image`; a step, `run` or `command`.",
        "test: {needs: [lint]}" => "test: {needs: [lint], run: make test}";
    EMPTY = "E0216": "The value is empty where something is needed.",
        "tasks: {}" => "tasks: {test: {run: make test}}";
    OUT_OF_RANGE = "E0217": "The number is smaller or larger than the key allows.",
        "concurrency: {group: deploy, limit: 0}" => "concurrency: {group: deploy, limit: 1}";
    NOT_NUMBER = "E0218": "The key takes a number.",
        "factor: twice" => "factor: 2";
    NOT_CRON = "E0219": "The key takes a time: minute, hour, day, month and weekday.",
        "on: {schedule: [{cron: \"0 25 * * *\"}]}" => "on: {schedule: [{cron: \"0 3 * * *\"}]}";
    NOT_ZONE = "E0220": "The key takes the IANA name of a time zone.",
        "on: {schedule: [{cron: \"0 3 * * *\", timezone: CEST}]}" => "on: {schedule: [{cron: \"0 3 * * *\", timezone: Europe/Berlin}]}";
    LEADS_OUT = "E0221": "A path counts from the top of the source and stays below it.",
        "working_dir: ../web" => "working_dir: web";
    NOT_PATTERN = "E0222": "The text is no pattern of files: `*`, `**`, `?`, `[abc]`, `{one,other}`.",
        "inputs: [\"src/[a\"]" => "inputs: [\"src/[a]\"]";
    NOT_IMAGE = "E0223": "The text is no reference to an image.",
        "container: Rust" => "container: rust";
    NOT_TITLE = "E0224": "A pipeline is named as in `PIPELINE/TASK`, so its name has no `/`; `@` means the newest run.",
        "name: shop/web\ntasks: {test: {run: make}}" => "name: shop-web\ntasks: {test: {run: make}}";

    UNKNOWN_TASK = "E0301": "No task has this name.",
        "tasks: {lint: {run: make lint}, test: {needs: [lnt], run: make}}" => "tasks: {lint: {run: make lint}, test: {needs: [lint], run: make}}";
    CYCLE = "E0302": "Tasks that need each other in a circle can never start.",
        "tasks: {a: {needs: b, run: x}, b: {needs: a, run: y}}" => "tasks: {a: {run: x}, b: {needs: a, run: y}}";
    NEEDS_ITSELF = "E0303": "A task cannot need itself.",
        "tasks: {a: {needs: a, run: x}}" => "tasks: {a: {run: x}}";
    NEEDS_FINALLY = "E0304": "`finally` starts when every task of `tasks` has ended, so neither part can need the other.",
        "tasks: {a: {needs: report, run: x}}\nfinally: {report: {run: y}}" => "tasks: {a: {run: x}}\nfinally: {report: {run: y}}";
    DUPLICATE_NAME = "E0305": "Two things of one kind have one name.",
        "steps: [{name: test, run: a}, {name: test, run: b}]" => "steps: [{name: unit, run: a}, {name: system, run: b}]";
    DOUBLE_NEED = "E0306": "A task is needed twice.",
        "needs: [lint, lint]" => "needs: [lint]";

    EXPRESSION = "E0401": "The expression cannot be read.",
        "when: signal.branch = 'main'" => "when: signal.branch == 'main'";
    UNKNOWN_NAME = "E0402": "The expression uses a name that does not exist.",
        "run: echo ${{ parms.profile }}" => "run: echo ${{ params.profile }}";
    NAME_TOO_EARLY = "E0403": "The expression uses a name that has no value yet when the key is read.",
        "when: steps.build.outcome == 'failed'" => "steps: [{name: next, when: steps.build.outcome == 'failed', run: make}]";
    NOT_NEEDED = "E0404": "The expression reads a task that is not in `needs`, so it may not have ended.",
        "test: {run: \"echo ${{ tasks.build.outputs.version }}\"}" => "test: {needs: build, run: \"echo ${{ tasks.build.outputs.version }}\"}";
    UNKNOWN_OUTPUT = "E0405": "The task or step declares no such output.",
        "when: tasks.build.outputs.versoin == '1'" => "when: tasks.build.outputs.version == '1'";
    NO_EXPRESSION_HERE = "E0406": "The value is taken as it is; expressions are not evaluated here.",
        "shell: \"${{ params.shell }}\"" => "shell: bash";
    TAINTED_SCRIPT = "E0407": "Text from outside, such as a branch name, may hold commands; it must reach a script through the environment.",
        "run: echo ${{ signal.branch }}" => "env: {BRANCH: \"${{ signal.branch }}\"}\nrun: echo \"$BRANCH\"";
    UNKNOWN_STEP = "E0408": "No earlier step of the task has this name.",
        "steps: [{run: 'echo ${{ steps.build.outputs.x }}'}]" => "steps: [{name: build, run: make, outputs: {x: string}}, {run: 'echo ${{ steps.build.outputs.x }}'}]";
    UNKNOWN_FUNCTION = "E0409": "There is no such function.",
        "when: success()" => "when: succeeded()";
    SECRET_IN_CONDITION = "E0410": "A condition may not look at a secret: its result is shown and stored.",
        "when: secrets.TOKEN != ''" => "when: params.publish";

    TYPE = "E0411": "The parts of the expression do not fit together: a type, a function or its arguments.",
        "when: signal.branch.startWith('release/')" => "when: signal.branch.startsWith('release/')";
    NOT_A_CONDITION = "E0412": "A condition has to be true or false.",
        "when: \"'main'\"" => "when: signal.branch == 'main'";

    NEVER_THAT_WORD = "E0413": "The value is one of a few words, and the text that it is compared with is none of them.",
        "when: signal.kind == 'pushed'" => "when: signal.kind == 'push'";

    TAINTED_VARIABLE = "E0414": "Text from outside may not become the value of a variable that programs run or load code from.",
        "env: {BASH_ENV: \"${{ signal.branch }}\"}\nrun: x" => "env: {BRANCH: \"${{ signal.branch }}\"}\nrun: x";
    FAILS = "E0415": "The expression fails with the values that it reads, so that its task would fail in every run.",
        "when: 1 / 0 == 1" => "when: params.publish";

    PARAM_MISSING = "E0501": "A param without a default needs a value.",
        "params: {target: {type: string}}" => "params: {target: {type: string, default: staging}}";
    PARAM_UNKNOWN = "E0502": "The pipeline declares no such param.",
        "--param profil=release" => "--param profile=release";
    PARAM_VALUE = "E0503": "The value does not fit the declared type.",
        "params: {n: {type: number, default: many}}" => "params: {n: {type: number, default: 3}}";
    ENUM_WITHOUT_WORDS = "E0504": "A type `enum` needs its list of words, and only it and `string` have one.",
        "params: {profile: {type: enum}}" => "params: {profile: {type: enum, enum: [debug, release]}}";

    MATRIX = "E0601": "The matrix makes no sensible set of tasks.",
        "matrix: {n: [1, 1]}" => "matrix: {n: [1, 2]}";
    MATRIX_TOO_LARGE = "E0602": "A matrix has at most 100000 cells.",
        "matrix: {a: [1, …, 1000], b: [1, …, 1000]}" => "matrix: {a: [1, …, 100]}";
    EXCLUDE_UNKNOWN_AXIS = "E0603": "An `exclude` entry names something that is no axis.",
        "matrix: {os: [linux], exclude: [{arch: arm}]}" => "matrix: {os: [linux, mac], exclude: [{os: mac}]}";

    UNKNOWN_ARTIFACT = "E0701": "The task declares no such artifact.",
        "artifacts: {in: [{from: build, name: binn}]}" => "artifacts: {in: [{from: build, name: bin}]}";
    OUTPUT_VALUE = "E0702": "The default of an output does not fit its type, or the type not what the output is.",
        "outputs: {n: {type: number, default: many}}" => "outputs: {n: {type: number, default: 0}}";

    OUTPUT_UNWRITTEN = "E0703": "A task without steps writes no outputs, and does nothing else that steps do.",
        "t: {approval: Deploy?, outputs: {who: string}}" => "t: {approval: Deploy?}";
    NEVER_AN_ARTIFACT = "E0704": "What is Git's or Formic's own is never part of an artifact.",
        "artifacts: {out: {all: .git}}" => "artifacts: {out: {all: dist}}";

    LIMIT = "E0801": "The value passes a bound of Formic.",
        "timeout: 90d" => "timeout: 30d";

    NOT_YET = "E0901": "The key or value is part of the language, but this version of Formic cannot run it.",
        "executor: container" => "executor: process";

    REFERENCE = "E1001": "A reference names a file of the project, `./PATH`, or of a Git repository, `git+URL//PATH@REF`; paths count from its top.",
        "tasks: {t: {uses: ci/scan.yaml}}" => "tasks: {t: {uses: ./ci/scan.yaml}}";
    FILE_MISSING = "E1002": "A file that another one refers to is not there, or cannot be fetched.",
        "tasks: {t: {uses: ./ci/scann.yaml}}" => "tasks: {t: {uses: ./ci/scan.yaml}}";
    FILE_CYCLE = "E1003": "Files that use or include each other in a circle have no end.",
        "tasks: {t: {uses: ./f.yaml}}" => "tasks: {t: {uses: ./ci/scan.yaml}}";
    WITH_UNKNOWN = "E1004": "The file that a task uses has no such param.",
        "tasks: {t: {uses: ./ci/scan.yaml, with: {levle: high}}}" => "tasks: {t: {uses: ./ci/scan.yaml, with: {level: high}}}";
    WITH_MISSING = "E1005": "The file that a task uses has a param without a default, which needs a value.",
        "tasks: {t: {uses: ./ci/deploy.yaml}}" => "tasks: {t: {uses: ./ci/deploy.yaml, with: {target: staging}, secrets: [TOKEN]}}";
    WITH_VALUE = "E1006": "The value does not fit the type of the param in the file that a task uses.",
        "tasks: {t: {uses: ./ci/scan.yaml, with: {depth: deep}}}" => "tasks: {t: {uses: ./ci/scan.yaml, with: {depth: 3}}}";
    SECRET = "E1007": "Secrets are declared at the top of a file; one that is used gets those that it declares, each by name, and no others.",
        "tasks: {t: {uses: ./ci/deploy.yaml, with: {target: staging}}}" => "tasks: {t: {uses: ./ci/deploy.yaml, with: {target: staging}, secrets: [TOKEN]}}";
    FILE_CHANGED = "E1008": "A file that a task uses is not the one that `formic.lock` pins: it was changed, or its tag was moved.",
        "a changed file" => "the file that is pinned, or `formic lock --update NAME` after a look at the difference";
    FILE_UNPINNED = "E1009": "In CI every file that a task uses is pinned by `formic.lock`, which is not written there.",
        "a file that `formic.lock` does not pin, where `CI` is set" => "`formic lock` where you work, then a commit of `formic.lock`";
    LOCK_FILE = "E1010": "`formic.lock` is read as `formic lock` writes it; what a hand or a merge left in it is not.",
        "digest = sha256:…" => "digest = \"sha256:…\"";

    EMPTY_MATRIX = "W0101": "The matrix has no cell, so the task never runs.",
        "matrix: {os: []}" => "matrix: {os: [linux]}";
    SHARED_PATH = "W0102": "Tasks that write one path never run at the same time.",
        "tasks: {a: {run: x, artifacts: {out: {r: out/**}}}, b: {run: y, artifacts: {out: {r: out/**}}}}" =>
        "tasks: {a: {run: x, artifacts: {out: {r: out/a/**}}}, b: {run: y, artifacts: {out: {r: out/b/**}}}}";
    NUMBER_AS_TEXT = "W0103": "A list of numbers is read as text, because as a number one of them would change.",
        "matrix: {python: [3.9, 3.10]}" => "matrix: {python: [\"3.9\", \"3.10\"]}";
    NEVER_TRUE = "W0104": "The condition is the same for every run.",
        "when: false" => "when: params.publish";
    STEP_TIMEOUT = "W0105": "A step may take longer than its task.",
        "test: {timeout: 5m, steps: [{run: make, timeout: 10m}]}" => "test: {timeout: 15m, steps: [{run: make, timeout: 10m}]}";
    CONSTANT_KEY = "W0106": "The key of the cache is the same for every content, so the cache is never renewed.",
        "cache: [{key: deps, paths: [target]}]" => "cache: [{key: \"deps-${{ hash('Cargo.lock') }}\", paths: [target]}]";
    OUTPUT_UNMENTIONED = "W0107": "No step mentions the output, so nobody writes it.",
        "t: {run: make, outputs: {version: string}}" => "t: {run: 'echo version=1 >> \"$FORMIC_OUTPUT\"', outputs: {version: string}}";
    UNREACHABLE = "W0108": "The task never runs, because one that it needs never does.",
        "tasks: {a: {when: false, run: x}, b: {needs: a, run: y}}" => "tasks: {a: {when: params.publish, run: x}, b: {needs: a, run: y}}\nparams: {publish: true}";
    OWN_RUN_ONLY = "W0109": "The key counts for a run of the file itself, and does nothing when a task uses the file.",
        "tasks: {t: {uses: ./ci/timed.yaml}}" => "tasks: {t: {uses: ./ci/scan.yaml}}";
    NO_DOLLAR = "W0110": "The text holds `{{ }}` without `$`, which is not evaluated.",
        "env: {P: \"{{ params.profile }}\"}" => "env: {P: \"${{ params.profile }}\"}";
    NOT_YET_PINNED = "W0111": "`formic.lock` does not pin a file that a task uses; `formic lock` and the next run do, and in CI it is an error.",
        "a new `uses`" => "`formic lock`, then a commit of `formic.lock`";
    NOT_FETCHED = "W0112": "A file of a Git repository was not fetched here, so `formic check`, which uses no network, did not look into it.",
        "a fresh clone" => "`formic plan`, which fetches what is not at hand";
    TYPE_AS_DEFAULT = "W0113": "The default of a param is a text that is the word of a type.",
        "params: {n: number}" => "params: {n: {type: number, default: 3}}";
}

/// Whether an error with this code says that a file is no YAML of one document, so that what it holds is not known.
#[must_use]
pub fn hides_file(code: &str) -> bool {
    code.starts_with("E01")
}

/// The entry of `code`, in any case.
#[must_use]
pub fn find(code: &str) -> Option<&'static Code> {
    ALL.iter()
        .copied()
        .find(|each| each.code.eq_ignore_ascii_case(code))
}
