//! `schema`: the formats, for editors.

use crate::cli::answer::Answer;
use crate::cli::failure::Failure;

/// Print the JSON Schema of a file format, for completion and checks in an editor.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  counterfoil schema stage > stage.schema.json")]
pub(crate) struct Schema {
    /// File format to describe.
    #[arg(value_enum)]
    format: SchemaFormat,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum SchemaFormat {
    /// Stage files, `NNNN_NAME.toml`.
    Stage,
}

impl Schema {
    #[expect(clippy::unnecessary_wraps, reason = "every command may fail; this one cannot")]
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let SchemaFormat::Stage = self.format;
        let schema = counterfoil::stage::json_schema();
        let text = format!("{schema:#}");
        Ok(Answer::new(schema, text))
    }
}
