//! The list of commands, in the order in which one comes to need them.

use std::fmt::Write as _;

use clap::Command;

/// What people come to do, and with which commands. A command that is not named here stands among the last.
const GROUPS: [(&str, &[&str]); 4] = [
    ("See it work", &["demo", "up"]),
    ("Write a policy", &["learn", "check", "test", "explain", "diff", "lock"]),
    ("Know what it will do", &["replay", "bench"]),
    ("Put it into Envoy", &["build", "render", "keygen", "approve"]),
];
const OTHERS: &str = "And";

/// The command with its subcommands listed in groups.
pub(super) fn grouped(command: Command) -> Command {
    let heading = command.get_styles().get_header();
    let name = command.get_styles().get_literal();
    let known = |it: &Command| GROUPS.iter().any(|(_, names)| names.contains(&it.get_name()));
    let find = |wanted: &&str| command.get_subcommands().find(|it| it.get_name() == *wanted);
    let others = command.get_subcommands().filter(|it| !known(it) && !it.is_hide_set());
    let groups = GROUPS
        .iter()
        .map(|(title, names)| (*title, names.iter().filter_map(find).collect::<Vec<_>>()))
        .chain([(OTHERS, others.collect())]);
    let width = command.get_subcommands().map(|it| it.get_name().len()).max().unwrap_or_default();
    let mut list = String::new();
    for (title, members) in groups.filter(|(_, members)| !members.is_empty()) {
        let _ = writeln!(list, "{heading}{title}:{heading:#}");
        for member in members {
            let about = member.get_about().map(ToString::to_string).unwrap_or_default();
            let about = about.replace(['{', '}'], "");
            let _ = writeln!(list, "  {name}{:<width$}{name:#}  {about}", member.get_name());
        }
        list.push('\n');
    }
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{list}{heading}Options:{heading:#}\n{{options}}{{after-help}}"
    );
    command.help_template(template)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::super::Cli;
    use super::*;

    /// The words of a command line, up to what the shell would do with its output; quotes are taken off.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quote = None;
        let mut spaces = 0;
        for character in line.chars() {
            match (character, quote) {
                (it, Some(open)) if it == open => quote = None,
                (it, Some(_)) => words.last_mut().unwrap().push(it),
                ('\'' | '"', None) => quote = Some(character),
                ('|' | '>' | '&' | '#', None) => break,
                (' ', None) => {
                    spaces += 1;
                    // What stands further to the right is a remark.
                    if spaces > 2 {
                        break;
                    }
                    if !words.last().unwrap().is_empty() {
                        words.push(String::new());
                    }
                    continue;
                }
                (it, None) => words.last_mut().unwrap().push(it),
            }
            spaces = 0;
        }
        words.retain(|it| !it.is_empty());
        words
    }

    /// The lines of a help text that begin with the command, those that go on put together.
    fn examples(command: &Command) -> Vec<Vec<String>> {
        let text = [command.get_after_help(), command.get_after_long_help()];
        let text: Vec<String> = text.into_iter().flatten().map(ToString::to_string).collect();
        let text = text.join("\n");
        let mut whole = String::new();
        for line in text.lines() {
            match line.trim_end().strip_suffix('\\') {
                Some(first) => {
                    whole.push_str(if whole.ends_with(' ') { first.trim() } else { first });
                    whole = format!("{} ", whole.trim_end());
                }
                None => {
                    whole.push_str(if whole.ends_with(' ') { line.trim_start() } else { line });
                    whole.push('\n');
                }
            }
        }
        let lines = whole.lines().map(str::trim).filter(|it| it.starts_with("tidegate "));
        lines.map(words).collect()
    }

    /// Every command, with the words that lead to it.
    fn walk(command: &Command, path: &[String], visit: &mut impl FnMut(&[String], &Command)) {
        visit(path, command);
        for inner in command.get_subcommands().filter(|it| it.get_name() != "help") {
            walk(inner, &[path, &[inner.get_name().to_owned()]].concat(), visit);
        }
    }

    #[test]
    fn every_example_in_every_help_is_a_command_line() {
        walk(&Cli::command(), &["tidegate".to_owned()], &mut |path, command| {
            let examples = examples(command);
            let own = examples.iter().filter(|words| words.starts_with(path)).count();
            assert!(own > 0, "`{} --help` shows no example of itself", path.join(" "));
            for words in examples {
                if let Err(error) = Cli::command().try_get_matches_from(&words) {
                    assert_eq!(error.exit_code(), 0, "in the help of `{}`: {words:?}\n{error}", path.join(" "));
                }
            }
        });
    }

    #[test]
    fn examples_are_read_as_a_shell_reads_them() {
        let command = Command::new("x").after_help(
            "Examples:\n  tidegate a 'b c' \\\n      --d \"e\" | f\n  tidegate g > h\n  tidegate i      a remark\n  other",
        );
        let expected = [vec!["tidegate", "a", "b c", "--d", "e"], vec!["tidegate", "g"], vec!["tidegate", "i"]];
        assert_eq!(examples(&command), expected);
    }

    #[test]
    fn every_command_is_in_one_group() {
        let help = grouped(Cli::command()).render_help().to_string();
        for command in Cli::command().get_subcommands() {
            let line = format!("\n  {} ", command.get_name());
            assert_eq!(help.matches(&line).count(), 1, "{line}\n{help}");
        }
        assert!(help.contains("See it work:") && help.contains("Options:") && help.contains("--version"), "{help}");
    }
}
