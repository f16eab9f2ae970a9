//! The figures of all runs side by side: medians with the smallest and the largest.

use crate::beside::{Engine, Run};
use crate::figures::Figures;
use crate::workload::Workload;
use std::fmt::Write;

/// A column of the table.
#[derive(Clone, Copy)]
struct Column {
    name: &'static str,
    decimals: usize,
    figure: fn(&Figures) -> f64,
}

const COLUMNS: [Column; 5] = [
    Column { name: "CPU-s per 1M, warm", decimals: 2, figure: Figures::warm_cpu_per_million },
    Column { name: "CPU-s per 1M, whole run", decimals: 2, figure: Figures::cpu_per_million },
    Column { name: "CPU-s to start", decimals: 2, figure: |figures| figures.start_cpu_s },
    Column { name: "µs per record, warm", decimals: 2, figure: Figures::warm_us_per_record },
    Column { name: "peak RSS, MB", decimals: 0, figure: |figures| figures.peak_rss_mb },
];

/// A table in Markdown. The row of ratios says how many times Kafka Streams' figure is ours.
pub fn of(workloads: &[Workload], runs: &[Run]) -> String {
    let mut table = "| | |".to_owned();
    for column in COLUMNS {
        let _ = write!(table, " {} |", column.name); // writing to a string cannot fail
    }
    table.push('\n');
    table.push_str(&"|---".repeat(2 + COLUMNS.len()));
    table.push_str("|\n");
    for workload in workloads {
        for engine in [Engine::Peer, Engine::Ours] {
            row(&mut table, &format!("| {workload} | {} |", engine.name()), |column| {
                spread(&values(runs, *workload, engine, column.figure), column.decimals)
            });
        }
        row(&mut table, &format!("| {workload} | ratio |"), |column| {
            let median_of = |engine| median(&values(runs, *workload, engine, column.figure));
            format!("{:.1}", median_of(Engine::Peer) / median_of(Engine::Ours))
        });
    }
    table
}

fn row(table: &mut String, start: &str, cell: impl Fn(Column) -> String) {
    table.push_str(start);
    for column in COLUMNS {
        let _ = write!(table, " {} |", cell(column)); // writing to a string cannot fail
    }
    table.push('\n');
}

fn values(runs: &[Run], workload: Workload, engine: Engine, figure: fn(&Figures) -> f64) -> Vec<f64> {
    let of_both = runs.iter().filter(|run| run.workload == workload && run.engine == engine);
    let mut values: Vec<f64> = of_both.map(|run| figure(&run.figures)).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// Of sorted values.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        even if even % 2 == 0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
        _ => sorted[middle],
    }
}

fn spread(sorted: &[f64], decimals: usize) -> String {
    let (Some(least), Some(most)) = (sorted.first(), sorted.last()) else { return "–".to_owned() };
    format!("{:.decimals$} ({least:.decimals$}–{most:.decimals$})", median(sorted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(engine: Engine, warm_cpu_s: f64) -> Run {
        let figures = Figures {
            records: 2_000_000,
            outputs: 0,
            cpu_s: 8.0,
            wall_s: 1.0,
            warm_records: 1_000_000,
            warm_cpu_s,
            warm_wall_s: 4.0,
            start_cpu_s: 1.0,
            peak_rss_mb: 100.0,
        };
        Run { workload: Workload::W2, engine, figures }
    }

    #[test]
    fn medians_stand_with_their_spread_and_the_ratio_is_of_medians() {
        let peer = [9.0, 12.0, 10.0].map(|cpu| run(Engine::Peer, cpu));
        let ours = [2.0, 2.5, 9.5].map(|cpu| run(Engine::Ours, cpu));
        let runs: Vec<Run> = peer.into_iter().chain(ours).collect();
        let table = of(&[Workload::W2], &runs);
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[2].starts_with("| w2 | Kafka Streams | 10.00 (9.00–12.00) | 4.00 (4.00–4.00) |"), "{table}");
        assert!(lines[3].starts_with("| w2 | Comanda | 2.50 (2.00–9.50) |"), "{table}");
        assert!(lines[4].starts_with("| w2 | ratio | 4.0 | 1.0 |"), "{table}");
    }
}
