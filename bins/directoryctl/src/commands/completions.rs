//! `completions`

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{cli::Cli, output::print};

/// Which shell.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The shell that is to read the script
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "directoryctl", &mut script);
    Ok(print(&String::from_utf8(script)?)?)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    /// The names of the commands and of their flags, down to so many levels.
    fn words(command: &clap::Command, levels: usize, into: &mut Vec<String>) {
        if levels == 0 {
            return;
        }
        for sub in command.get_subcommands() {
            into.push(sub.get_name().to_owned());
            let flags = sub.get_arguments().filter_map(|argument| argument.get_long());
            into.extend(flags.map(str::to_owned));
            words(sub, levels - 1, into);
        }
    }

    #[test]
    fn every_shell_knows_every_command_and_flag() {
        for shell in Shell::value_variants() {
            // What clap writes for fish ends at the second level: `connection add`, and not `entra`.
            let levels = if *shell == Shell::Fish { 2 } else { usize::MAX };
            let mut expected = Vec::new();
            words(&Cli::command(), levels, &mut expected);
            assert!(expected.contains(&"set-secret".to_owned()) && expected.contains(&"no-verify".to_owned()));
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "directoryctl", &mut script);
            let script = String::from_utf8(script).unwrap();
            for word in &expected {
                assert!(script.contains(word.as_str()), "{shell}: {word}");
            }
        }
    }
}
