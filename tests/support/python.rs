//! Scripts for pyHanko, each run in a process of its own that has its modules already.
#![allow(unreachable_pub, dead_code, missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::process::Child;
use std::process::ChildStdin;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;
use std::sync::Mutex;

/// What a script printed, and whether it ended well.
pub struct Printed {
    pub success: bool,
    pub text: String,
}

/// Runs `script`; `None`, said aloud, where there is no Python with pyHanko and none is required.
///
/// The environment that `tests/run.sh` makes is named by `KYSO_PYTHON`.
pub fn run(script: &str, arguments: &[&str]) -> Option<Printed> {
    /// Those that wait for a script; more are started where tests run beside each other.
    static IDLE: Mutex<Vec<Forks>> = Mutex::new(Vec::new());
    let idle = IDLE.lock().unwrap().pop();
    let mut forks = idle.or_else(Forks::start)?;
    let printed = forks.run(script, arguments);
    IDLE.lock().unwrap().push(forks);
    Some(printed)
}

struct Forks {
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    _process: Child,
}

impl Forks {
    fn start() -> Option<Self> {
        let python = std::env::var("KYSO_PYTHON").unwrap_or_else(|_| "KYSO_PYTHON".to_owned());
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/forks.py");
        let started = Command::new(&python).arg(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        match started {
            // It ends with its input, which ends with this process.
            Ok(mut process) => Some(Self {
                requests: process.stdin.take().unwrap(),
                answers: BufReader::new(process.stdout.take().unwrap()),
                _process: process,
            }),
            Err(error) => {
                assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "{python}: {error}");
                eprintln!("{python} not found: skipped");
                None
            }
        }
    }

    fn run(&mut self, script: &str, arguments: &[&str]) -> Printed {
        let request = serde_json::json!({ "script": script, "arguments": arguments });
        writeln!(self.requests, "{request}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        let text = answer["text"].as_str().unwrap().to_owned();
        Printed { success: answer["success"] == true, text }
    }
}
