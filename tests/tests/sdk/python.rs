//! The Python SDK as a client: its virtual environments, and programs that run in them.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tidegate::build::Workspace;
use tidegate::sample::Reply;

use super::walk::{Caller, Seen, Step};

/// A release of the Python SDK and the program that uses it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sdk {
    pub(crate) version: &'static str,
    pub(crate) program: &'static str,
    /// How the program's client shall find the era, where the SDK leaves a choice.
    pub(crate) mode: &'static str,
}

impl Sdk {
    /// Connects, must be refused, and tells with what text. Release 1 throws that away where the answer is an
    /// HTTP error, as it is without holding headers: the request is refused before its id is known.
    pub(crate) fn be_refused(self, caller: &Caller) -> Option<String> {
        let lines = self.run(caller, &[]);
        let [refusal] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(refusal["step"], "refused", "{refusal}");
        if refusal.get("status").is_some() {
            assert_eq!((self.program, &refusal["status"]), ("client_v1.py", &json!(400)));
            return None;
        }
        assert_eq!(refusal["code"], -31403, "{refusal}");
        Some(refusal["text"].as_str().unwrap().to_owned())
    }

    /// Walks the steps in one session, and tells what the program saw.
    pub(crate) fn walk(self, caller: &Caller, steps: &[Step]) -> Seen {
        let lines = self.run(caller, steps);
        let [start, list, calls @ .., end] = lines.as_slice() else { panic!("{lines:?}") };
        let kinds: Vec<_> = [start, list, end].iter().map(|line| line["step"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["connect", "list", "end"], "{lines:?}");
        let tools = list["tools"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        let told: Vec<_> = calls.iter().map(|line| line["tool"].as_str().unwrap()).collect();
        let asked: Vec<_> = steps.iter().map(|step| step.tool).collect();
        assert_eq!(told, asked);
        Seen {
            revision: Some(start["revision"].as_str().unwrap().to_owned()),
            tools,
            replies: calls.iter().map(reply).collect(),
        }
    }

    /// Runs the program to its end; what it wrote, line by line.
    fn run(self, caller: &Caller, steps: &[Step]) -> Vec<Value> {
        let calls: Vec<Value> =
            steps.iter().map(|step| json!({"tool": step.tool, "arguments": step.arguments})).collect();
        let walk = json!({"url": caller.url, "token": caller.token, "mode": self.mode, "calls": calls});
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk").join(self.program);
        let mut child = Command::new(self.interpreter())
            // Isolated: nothing of the user's own Python gets in.
            .arg("-I")
            .arg(program)
            .env("NO_PROXY", "*")
            .env("no_proxy", "*")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(walk.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} gave up: {complaint}\nafter:\n{lines}", self.program);
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The interpreter of the virtual environment that has this release. It is made once, below the target directory.
    fn interpreter(self) -> PathBuf {
        let home = Workspace::locate().unwrap_or_else(|error| panic!("{error}")).target.join("python");
        fs::create_dir_all(&home).unwrap();
        let environment = home.join(format!("mcp-{}", self.version));
        let interpreter = environment.join("bin/python");
        let complete = environment.join(".complete");
        // Freed when the file is closed: no other test, and no other run, may use what is half made.
        let lock = File::create(environment.with_added_extension("lock")).unwrap();
        lock.lock().unwrap();
        if complete.is_file() && interpreter.is_file() {
            return interpreter;
        }
        let missing = "these tests run the Python SDK: install Python 3.11 or newer with its venv module \
                       (Debian: python3 and python3-venv) and let it reach PyPI";
        execute(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment), missing);
        let package = format!("mcp=={}", self.version);
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", &package];
        execute(Command::new(&interpreter).args(pip), missing);
        File::create(complete).unwrap();
        interpreter
    }
}

fn execute(command: &mut Command, advice: &str) {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}; {advice}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}\n{}\n{advice}", output.status, String::from_utf8_lossy(&said));
}

/// What the SDK gave the program for one call.
fn reply(line: &Value) -> Reply {
    let text = line["text"].as_str().unwrap().to_owned();
    match line.get("code") {
        Some(code) => Reply::Error { code: i32::try_from(code.as_i64().unwrap()).unwrap(), message: text },
        None => Reply::Result {
            text,
            is_error: line["is_error"].as_bool().unwrap(),
            meta: line.get("meta").filter(|meta| !meta.is_null()).cloned(),
        },
    }
}
