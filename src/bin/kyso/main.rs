//! The `kyso` command: a thin face over the public API.
#![allow(dead_code)] // the commands move in as their modules do

mod args;
mod cert;
mod envelope;
mod exit;
mod in_place;
mod input;
mod keys;
mod token;
mod trust;

use std::process::ExitCode;

use clap::Parser;

use crate::exit::Exit;
use crate::exit::Outcome;
use crate::exit::Stop;

fn main() -> ExitCode {
    let cli = match args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            let _ = e.print();
            return code(if e.use_stderr() { Exit::Usage } else { Exit::Done });
        }
    };
    match run(&cli) {
        Ok(exit) => code(exit),
        Err(Stop { exit, message }) => {
            eprintln!("kyso: {message}");
            code(exit)
        }
    }
}

fn run(cli: &args::Cli) -> Outcome {
    let lang = cli.lang.unwrap_or_else(args::Lang::of_locale);
    match &cli.command {
        args::Command::Cert(args::CertCommand::Show { file, json }) => cert::show(file, *json, lang),
        args::Command::Envelope(command) => envelope::run(command, lang),
        args::Command::Token(args::TokenCommand::List { pkcs11, json }) => token::list(pkcs11, *json, lang),
        args::Command::Archive { .. } => Err(Stop::usage("archive: reserved, not available yet")),
        _ => Err(Stop::usage("this command is not available yet")),
    }
}

fn code(exit: Exit) -> ExitCode {
    ExitCode::from(exit as u8)
}
