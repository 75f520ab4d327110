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

    fn words(command: &clap::Command, into: &mut Vec<String>) {
        for sub in command.get_subcommands() {
            into.push(sub.get_name().to_owned());
            let flags = sub.get_arguments().filter_map(|argument| argument.get_long());
            into.extend(flags.map(str::to_owned));
            words(sub, into);
        }
    }

    #[test]
    fn every_shell_knows_every_command_and_flag() {
        let mut expected = Vec::new();
        words(&Cli::command(), &mut expected);
        assert!(expected.contains(&"set-secret".to_owned()) && expected.contains(&"no-verify".to_owned()));
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "directoryctl", &mut script);
            let script = String::from_utf8(script).unwrap();
            for word in &expected {
                assert!(script.contains(word.as_str()), "{shell}: {word}");
            }
        }
    }
}
