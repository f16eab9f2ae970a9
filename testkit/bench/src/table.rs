//! The figures of all runs side by side: medians with the smallest and the largest, and the settings behind them.

use crate::peer::Engine;
use crate::workload::{Column, Family, Workload};
use std::fmt::Write;

/// One finished run.
pub struct Run {
    /// Workload.
    pub workload: Workload,
    /// Engine.
    pub engine: Engine,
    /// A figure for each of the workload's columns.
    pub figures: Vec<f64>,
}

/// What both engines kept to, so that no figure is bought with a promise less.
const SETTINGS: &str = "\
Both engines: exactly_once_v2; acks=all, idempotent, in transactions; inputs, change logs and outputs read_committed; \
RocksDB with change log; one stream thread; one broker, no replicas. Record cache: 10 MiB in w2c and w4a, else none. Each \
engine's own linger.ms (Kafka Streams 100, Comanda 30), which a commit cuts short; the bench's own producer 0.";

/// Tables in Markdown, one for each family of workloads. The rows of ratios say how many times better ours is: Kafka
/// Streams' figure over ours, or ours over Kafka Streams' where more is better.
pub fn of(workloads: &[Workload], runs: &[Run]) -> String {
    let mut tables = String::new();
    for family in Family::ALL {
        let of_family: Vec<Workload> = workloads.iter().copied().filter(|one| one.family() == family).collect();
        if !of_family.is_empty() {
            add_table(&mut tables, family, &of_family, runs);
        }
    }
    let intervals: Vec<String> =
        Engine::ALL.iter().map(|engine| format!("{} {} ms", engine.name(), engine.commit_ms())).collect();
    tables + SETTINGS + " Commit interval: " + &intervals.join(", ") + ".\n"
}

fn add_table(table: &mut String, family: Family, workloads: &[Workload], runs: &[Run]) {
    let columns = family.columns();
    row(table, "| | |", columns, |_, column| column.name.to_owned());
    table.push_str(&"|---".repeat(2 + columns.len()));
    table.push_str("|\n");
    for workload in workloads {
        for engine in workload.engines() {
            row(table, &format!("| {workload} | {} |", engine.name()), columns, |number, column| {
                spread(&values(runs, *workload, *engine, number), column.decimals)
            });
        }
        add_ratios(table, columns, *workload, runs);
    }
    table.push('\n');
}

/// Beside Kafka Streams, where it runs too.
fn add_ratios(table: &mut String, columns: &[Column], workload: Workload, runs: &[Run]) {
    let Some((Engine::Peer, ours)) = workload.engines().split_first() else { return };
    for engine in ours {
        let name = if ours.len() == 1 { "ratio".to_owned() } else { format!("ratio of {}", engine.name()) };
        row(table, &format!("| {workload} | {name} |"), columns, |number, column| {
            let median_of = |engine| median(&values(runs, workload, engine, number));
            let ratio = column.ratio(median_of(Engine::Peer), median_of(*engine));
            if ratio.is_finite() { format!("{ratio:.1}") } else { "–".to_owned() }
        });
    }
}

fn row(table: &mut String, start: &str, columns: &[Column], cell: impl Fn(usize, Column) -> String) {
    table.push_str(start);
    for (number, column) in columns.iter().enumerate() {
        let _ = write!(table, " {} |", cell(number, *column)); // writing to a string cannot fail
    }
    table.push('\n');
}

/// One column's, sorted.
fn values(runs: &[Run], workload: Workload, engine: Engine, column: usize) -> Vec<f64> {
    let of_both = runs.iter().filter(|run| run.workload == workload && run.engine == engine);
    let mut values: Vec<f64> = of_both.filter_map(|run| run.figures.get(column).copied()).collect();
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

    fn run(workload: Workload, engine: Engine, first: f64) -> Run {
        Run { workload, engine, figures: vec![first, 4.0, 1.0, 2.0, 100.0] }
    }

    #[test]
    fn medians_stand_with_their_spread_and_the_ratio_is_of_medians() {
        let peer = [9.0, 12.0, 10.0].map(|cpu| run(Workload::W2, Engine::Peer, cpu));
        let ours = [2.0, 2.5, 9.5].map(|cpu| run(Workload::W2, Engine::Ours, cpu));
        let runs: Vec<Run> = peer.into_iter().chain(ours).collect();
        let table = of(&[Workload::W2], &runs);
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[2].starts_with("| w2 | Kafka Streams | 10.00 (9.00–12.00) | 4.00 (4.00–4.00) |"), "{table}");
        assert!(lines[3].starts_with("| w2 | Comanda | 2.50 (2.00–9.50) |"), "{table}");
        assert!(lines[4].starts_with("| w2 | ratio | 4.0 | 1.0 |"), "{table}");
    }

    #[test]
    fn where_more_is_better_the_ratio_is_ours_over_theirs() {
        let restored = |engine, per_s| Run {
            workload: Workload::W6,
            engine,
            figures: vec![1_000.0, 100.0, 4.0, 4.0, 4.0, per_s, 100.0],
        };
        let table = of(&[Workload::W6], &[restored(Engine::Peer, 300.0), restored(Engine::Ours, 900.0)]);
        let ratios = table.lines().find(|line| line.contains("ratio"));
        assert_eq!(ratios, Some("| w6 | ratio | 1.0 | 1.0 | 1.0 | 1.0 | 1.0 | 3.0 | 1.0 |"), "{table}");
    }

    #[test]
    fn each_of_our_settings_has_its_ratio_and_a_workload_of_ours_alone_has_none() {
        let table = of(&[Workload::W7, Workload::W2p1], &[]);
        let ratios: Vec<&str> = table.lines().filter(|line| line.contains("ratio")).collect();
        assert_eq!(ratios.len(), 2, "{table}");
        assert!(ratios[1].starts_with("| w7 | ratio of Comanda, low latency |"), "{table}");
    }

    #[test]
    fn each_family_has_a_table_of_its_own_and_the_settings_end_them() {
        let runs = [run(Workload::W6, Engine::Peer, 1.0), run(Workload::W1, Engine::Peer, 2.0)];
        let table = of(&[Workload::W6, Workload::W1], &runs);
        let heads = table.lines().filter(|line| line.starts_with("| | |")).count();
        assert_eq!(heads, 2, "{table}");
        assert!(table.lines().last().is_some_and(|line| line.contains("acks=all")), "{table}");
    }
}
