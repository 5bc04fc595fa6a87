//! The `kyso` command: a thin face over the public API.

mod args;
mod arithmetic;
mod augment;
mod batch;
mod block;
mod cert;
mod cert_request;
mod cert_verify;
mod cosign;
mod csc;
mod draft;
mod envelope;
mod envelope_register;
mod envelope_write;
mod exit;
mod input;
mod keys;
mod network;
mod phases;
mod print;
mod progress;
mod request;
mod revocation;
mod scan;
mod sign;
mod timestamp;
mod token;
mod treasury;
mod trust;
mod verify;

use std::process::ExitCode;

use clap::Parser;

use crate::exit::Exit;
use crate::exit::Outcome;
use crate::exit::Stop;
use crate::timestamp::Holds;

fn main() -> ExitCode {
    let cli = match args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            let _ = e.print();
            return code(if e.use_stderr() { Exit::Usage } else { Exit::Done });
        }
    };
    arithmetic::choose(cli.backend);
    network::choose(cli.network.clone());
    match run(&cli) {
        Ok(exit) => code(exit),
        Err(Stop { exit, message }) => {
            print::note(&message);
            code(exit)
        }
    }
}

fn run(cli: &args::Cli) -> Outcome {
    let lang = cli.lang.unwrap_or_else(args::Lang::of_locale);
    match &cli.command {
        args::Command::Sign(args) => sign::sign(args, lang),
        args::Command::Draft(args) => draft::draft(args, lang),
        args::Command::Fill(args) => draft::fill(args, lang),
        args::Command::Scan(args) => scan::scan(args, lang),
        args::Command::Prepare(args) => phases::prepare(args, lang),
        args::Command::Complete(args) => phases::complete(args, lang),
        args::Command::Extend(args) => augment::extend(args, lang),
        args::Command::Verify(args) => verify::verify(args, lang),
        args::Command::Cert(args::CertCommand::Verify(args)) => cert_verify::verify(args, lang),
        args::Command::Cert(args::CertCommand::Request(args)) => cert_request::request(args, lang),
        args::Command::Cert(args::CertCommand::Show { file, json }) => cert::show(file, *json, lang),
        args::Command::Revocation(args::RevocationCommand::Check(args)) => revocation::check(args, lang),
        args::Command::Timestamp(args::TimestampCommand::Request(args)) => timestamp::request(args, lang),
        args::Command::Timestamp(args::TimestampCommand::Reply(args)) => timestamp::verify(args, Holds::Reply, lang),
        args::Command::Timestamp(args::TimestampCommand::Verify(args)) => timestamp::verify(args, Holds::Token, lang),
        args::Command::Envelope(command) => envelope::run(command, lang),
        args::Command::Token(command) => token::run(command, lang),
        args::Command::Csc(command) => csc::command(command, lang),
        args::Command::Treasury(command) => treasury::command(command, lang),
        args::Command::Archive { .. } => Err(Stop::usage("archive: reserved, not available yet")),
    }
}

fn code(exit: Exit) -> ExitCode {
    ExitCode::from(exit as u8)
}
