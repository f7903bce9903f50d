//! The command `counterfoil`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
