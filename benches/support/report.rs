//! Figures, medians, ratios and what they are compared with: as a table on standard output, and as JSON in
//! `target/bench/`.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{Fallible, cores};

/// What a figure must come to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reach {
    /// So much at most.
    AtMost(f64),
    /// So much at least.
    AtLeast(f64),
    /// At most so many times the floor of the same run.
    TimesFloor(f64),
    /// Nothing, in any run: the worst run is told, not the median.
    Never,
}

/// One figure of one server, once for each run.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// What is counted, with its unit.
    pub(crate) what: &'static str,
    /// How many decimal places are worth printing.
    pub(crate) places: usize,
    /// Whether its ratio to the floor's says something.
    compared: bool,
    /// What it is to come to.
    pub(crate) reach: Option<Reach>,
    /// What it came to.
    pub(crate) value: f64,
}

impl Figure {
    /// A figure that is only told.
    pub(crate) fn told(what: &'static str, places: usize, value: f64) -> Self {
        Self { what, places, compared: true, reach: None, value }
    }

    /// One that is told of each server by itself.
    pub(crate) fn aside(what: &'static str, places: usize, value: f64) -> Self {
        Self { what, places, compared: false, reach: None, value }
    }

    /// A figure that has something to reach.
    pub(crate) fn to_reach(what: &'static str, places: usize, value: f64, reach: Reach) -> Self {
        Self { what, places, compared: true, reach: Some(reach), value }
    }
}

/// One row: a figure of one load, for each server that was put under it.
struct Row {
    load: String,
    figure: Figure,
    /// The servers, and what the figure came to in each run.
    servers: Vec<(String, Vec<f64>)>,
}

/// Everything that was measured.
pub(crate) struct Report {
    /// The benchmark's name.
    name: String,
    /// The server whose figures are to reach something.
    ours: &'static str,
    rows: Vec<Row>,
}

/// The server whose figures the others' are put in relation to.
const FLOOR: &str = "floor";

impl Report {
    /// An empty one.
    pub(crate) fn new(name: String, ours: &'static str) -> Self {
        Self { name, ours, rows: Vec::new() }
    }

    /// Adds what one run of one server came to.
    pub(crate) fn add(&mut self, load: &str, server: &str, figures: Vec<Figure>) {
        for figure in figures {
            let value = figure.value;
            let at = self.rows.iter().position(|row| row.load == load && row.figure.what == figure.what);
            let at = at.unwrap_or_else(|| {
                self.rows.push(Row { load: load.to_owned(), figure, servers: Vec::new() });
                self.rows.len() - 1
            });
            let servers = &mut self.rows[at].servers;
            match servers.iter_mut().find(|(name, _)| name == server) {
                Some((_, values)) => values.push(value),
                None => servers.push((server.to_owned(), vec![value])),
            }
        }
    }

    /// The table: a line for each figure, with medians of all runs, and of the ratios to the floor of the same run.
    pub(crate) fn table(&self) -> String {
        let mut servers: Vec<&str> = Vec::new();
        for (name, _) in self.rows.iter().flat_map(|row| &row.servers) {
            if !servers.contains(&name.as_str()) {
                servers.push(name);
            }
        }
        let mut lines = vec![[&["load", "figure"], &servers[..], &["ours/floor", "reach"]].concat().join(" | ")];
        lines.push("---|".repeat(servers.len() + 4));
        for row in &self.rows {
            let places = row.figure.places;
            let mut cells = vec![row.load.clone(), row.figure.what.to_owned()];
            cells.extend(
                servers.iter().map(|server| row.told(server).map_or("–".to_owned(), |of| format!("{of:.places$}"))),
            );
            cells.push(row.ratio(self.ours).map_or("–".to_owned(), |ratio| format!("{ratio:.2}")));
            cells.push(row.judged(self.ours));
            lines.push(cells.join(" | "));
        }
        aligned(&lines)
    }

    /// Writes all figures of all runs to `target/bench/NAME.json`, and says where.
    ///
    /// # Errors
    /// The disk is full, for example.
    pub(crate) fn write(&self) -> Fallible<String> {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().ok_or("the target directory has a parent")?;
        let file = target.join("bench").join(format!("{}.json", self.name));
        fs::create_dir_all(file.parent().ok_or("it lies in a directory")?)?;
        let figures: Vec<Value> = self.rows.iter().map(|row| row.json(self.ours)).collect();
        let report = json!({"version": env!("CARGO_PKG_VERSION"), "machine": machine(), "figures": figures});
        fs::write(&file, serde_json::to_string_pretty(&report)?)?;
        Ok(file.display().to_string())
    }
}

impl Row {
    fn values(&self, server: &str) -> Option<&[f64]> {
        self.servers.iter().find(|(name, _)| name == server).map(|(_, values)| &values[..])
    }

    /// What is told of all runs: the median, or the worst of what must never be.
    fn told(&self, server: &str) -> Option<f64> {
        let values = self.values(server)?;
        Some(match self.figure.reach {
            Some(Reach::Never) => values.iter().copied().fold(0.0, f64::max),
            _ => median(values.to_vec()),
        })
    }

    /// The median of the ratios to the floor of the same run; none without a floor.
    fn ratio(&self, server: &str) -> Option<f64> {
        let (values, floor) = (self.values(server)?, self.values(FLOOR).filter(|_| self.figure.compared)?);
        let ratios: Vec<f64> =
            values.iter().zip(floor).filter(|(_, floor)| **floor > 0.0).map(|(v, f)| v / f).collect();
        (!ratios.is_empty()).then(|| median(ratios))
    }

    /// What is to be reached, and whether it was, to the places that are printed.
    fn judged(&self, ours: &str) -> String {
        let places = self.figure.places;
        let told = self.told(ours).map(|told| rounded(told, places));
        let (text, reached) = match self.figure.reach {
            None => return String::new(),
            Some(Reach::AtMost(most)) => (format!("≤ {most:.places$}"), told.map(|told| told <= most)),
            Some(Reach::AtLeast(least)) => (format!("≥ {least:.places$}"), told.map(|told| told >= least)),
            Some(Reach::Never) => ("0".to_owned(), told.map(|told| told <= 0.0)),
            Some(Reach::TimesFloor(most)) => {
                (format!("≤ {most:.2} × floor"), self.ratio(ours).map(|ratio| rounded(ratio, 2) <= most))
            }
        };
        match reached {
            Some(true) => format!("{text}: reached"),
            Some(false) => format!("{text}: MISSED"),
            None => format!("{text}: not measured"),
        }
    }

    fn json(&self, ours: &str) -> Value {
        let servers: serde_json::Map<String, Value> = self
            .servers
            .iter()
            .map(|(name, runs)| {
                (name.clone(), json!({"runs": runs, "told": self.told(name), "toFloor": self.ratio(name)}))
            })
            .collect();
        json!({"load": self.load, "figure": self.figure.what, "servers": servers, "reach": self.judged(ours)})
    }
}

fn rounded(value: f64, places: usize) -> f64 {
    let shift = 10_f64.powi(i32::try_from(places).expect("a few"));
    (value * shift).round() / shift
}

/// The middle one, or the mean of the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// What this machine is.
pub(crate) fn machine() -> Value {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let model =
        processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name));
    json!({
        "cores": cores(),
        "processor": model,
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
        // Others at work make a figure worth less: the load of the last minute, as the system counts it.
        "loadAtTheEnd": read("/proc/loadavg").split(' ').next(),
    })
}

/// Lines whose cells are separated by ` | `, in columns.
fn aligned(lines: &[String]) -> String {
    let rows: Vec<Vec<&str>> =
        lines.iter().map(|line| line.trim_end_matches('|').split('|').map(str::trim).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut table = String::new();
    for row in &rows {
        table.push('|');
        for (cell, width) in row.iter().zip(&widths) {
            let filler = if *cell == "---" { "-" } else { " " };
            let missing = width - cell.chars().count();
            table.push_str(&format!(" {cell}{} |", filler.repeat(missing)));
        }
        table.push('\n');
    }
    table
}
