use std::io::{self, Write as _};

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use miette::miette;

use super::{Cli, Outcome};

/// Prints what a shell needs to complete this command
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate completions bash > ~/.local/share/bash-completion/completions/tidegate\n  \
    tidegate completions zsh > ~/.zfunc/_tidegate      with fpath+=~/.zfunc before compinit\n  \
    tidegate completions fish > ~/.config/fish/completions/tidegate.fish"
)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> miette::Result<Outcome> {
        let written = io::stdout().write_all(&script(self.shell));
        written.map_err(|error| miette!("cannot write to standard output: {error}"))?;
        Ok(Outcome::Fine)
    }
}

fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tidegate", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_shell_is_told_of_every_command() {
        for shell in Shell::value_variants() {
            let text = String::from_utf8(script(*shell)).unwrap();
            for command in Cli::command().get_subcommands() {
                assert!(text.contains(command.get_name()), "{shell}: {} is missing", command.get_name());
            }
        }
    }

    #[test]
    fn bash_takes_its_script() {
        let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        bash.stdin.take().unwrap().write_all(&script(Shell::Bash)).unwrap();
        let output = bash.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
