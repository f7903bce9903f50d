//! Column lineage of stages.

use std::path::Path as FilePath;

use counterfoil::project::Project;

#[test]
fn dump() {
    for name in ["shop", "shop_recompute", "bank"] {
        let folder = FilePath::new(env!("CARGO_MANIFEST_DIR"))
            .join("migrations")
            .join(name);
        let project = Project::open(&folder).unwrap();
        for stage in project.stages().iter() {
            println!("=== {name} {}", stage.slug());
            let lineage = stage.lineage();
            for (place, sources) in &lineage.fields {
                println!("{place:?}");
                for s in sources {
                    println!("      {:?} {:?} {}", s.origin, s.dependence, s.masked);
                }
            }
            println!("record {:?}", lineage.record);
        }
    }
}
