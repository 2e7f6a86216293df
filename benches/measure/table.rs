//! Markdown tables that are also readable in a terminal.

/// Prints a heading, the method and the rows, with aligned columns.
pub(crate) fn print(title: &str, method: &str, head: &[&str], rows: &[Vec<String>]) {
    println!("\n### {title}\n\n{method}\n");
    let all = || std::iter::once(head.iter().map(ToString::to_string).collect()).chain(rows.iter().cloned());
    let width = |column: usize| {
        all().filter_map(|row: Vec<String>| row.get(column).map(|cell| cell.chars().count())).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    for (n, row) in all().enumerate() {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        println!("| {} |", cells.join(" | ").trim_end());
        if n == 0 {
            let rules: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
            println!("| {} |", rules.join(" | "));
        }
    }
}

/// A row of displayable values.
macro_rules! row {
    ($($cell:expr),+ $(,)?) => { vec![$($cell.to_string()),+] };
}
pub(crate) use row;
