//! A table that fits the terminal: columns shrink to their minimum first, then the least important ones are left out. A
//! column with the main content can keep more than its minimum as long as others can be left out for it.

use anstyle::Style;

use super::text::{BOLD, Layout, cut, one_line, paint, width};

/// A column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    title: &'static str,
    /// It may be cut down to this; `None`: never cut.
    shrinks_to: Option<usize>,
    /// It keeps so many columns as long as a column of a lower rank can be left out.
    keeps: Option<(usize, u8)>,
    /// The lowest is left out first; [`u8::MAX`] stays.
    rank: u8,
    right: bool,
}

impl Column {
    /// A column that is never cut or left out.
    pub(super) const fn new(title: &'static str) -> Self {
        Self { title, shrinks_to: None, keeps: None, rank: u8::MAX, right: false }
    }

    /// May be cut down to `columns`.
    pub(super) const fn shrinks_to(self, columns: usize) -> Self {
        Self { shrinks_to: Some(columns), ..self }
    }

    /// Keeps `columns` as long as a column whose rank is lower than `rank` can be left out.
    pub(super) const fn keeps(self, columns: usize, rank: u8) -> Self {
        Self { keeps: Some((columns, rank)), ..self }
    }

    /// May be left out, lower ranks first.
    pub(super) const fn rank(self, rank: u8) -> Self {
        Self { rank, ..self }
    }

    /// Numbers: aligned on the right.
    pub(super) const fn right(self) -> Self {
        Self { right: true, ..self }
    }
}

/// What stands in a cell.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A cell in colour.
    pub(super) fn styled(text: impl AsRef<str>, style: Style) -> Self {
        Self { text: one_line(text.as_ref()), style }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(text, Style::new())
    }
}

const GUTTER: usize = 2;
/// What even a narrow terminal shows of a column that may be cut.
const LEAST: usize = 8;

/// Writes the table to `out`, each line indented. Columns without any text are left out.
pub(super) fn render(out: &mut String, columns: &[Column], rows: &[Vec<Cell>], indent: usize, layout: Layout) {
    let natural =
        |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| width(&cell.text)).max().unwrap_or(0);
    let mut shown: Vec<(usize, Column, usize)> = columns
        .iter()
        .enumerate()
        .filter(|&(at, _)| natural(at) > 0 || rows.is_empty())
        .map(|(at, column)| (at, *column, natural(at).max(width(column.title))))
        .collect();
    if let Some(available) = layout.columns {
        fit(&mut shown, available.saturating_sub(indent));
    }
    let mut line = |cells: &mut dyn Iterator<Item = (Column, usize, &str, Style)>| {
        let mut text = " ".repeat(indent);
        let mut cells = cells.peekable();
        while let Some((column, columns, cell, style)) = cells.next() {
            let cell = cut(cell, columns);
            let pad = " ".repeat(columns.saturating_sub(width(&cell)));
            let last = cells.peek().is_none();
            let cell = if cell.is_empty() { cell } else { paint(style, cell) };
            match (column.right, last) {
                (true, _) => text.extend([pad.as_str(), &cell]),
                (false, true) => text.push_str(&cell),
                (false, false) => text.extend([&cell, pad.as_str()]),
            }
            if !last {
                text.push_str(&" ".repeat(GUTTER));
            }
        }
        out.push_str(text.trim_end());
        out.push('\n');
    };
    line(&mut shown.iter().map(|(_, column, columns)| (*column, *columns, column.title, BOLD)));
    for row in rows {
        line(&mut shown.iter().map(|(at, column, columns)| {
            let (text, style) = row.get(*at).map_or(("", Style::new()), |cell| (cell.text.as_str(), cell.style));
            (*column, *columns, text, style)
        }));
    }
}

fn fit(shown: &mut Vec<(usize, Column, usize)>, available: usize) {
    loop {
        let total = shown.iter().map(|(.., columns)| columns + GUTTER).sum::<usize>().saturating_sub(GUTTER);
        let over = total.saturating_sub(available);
        let optional = shown.iter().enumerate().filter(|(_, (_, column, _))| column.rank < u8::MAX);
        let lowest = optional.map(|(at, (_, column, _))| (column.rank, at)).min();
        let rank = lowest.map_or(u8::MAX, |(rank, _)| rank);
        let preferred = |column: &Column| match column.keeps {
            Some((columns, below)) if rank < below => Some(columns),
            _ => column.shrinks_to,
        };
        if slack(shown, preferred) >= over {
            return shrink(shown, over, preferred);
        }
        match lowest {
            Some((_, at)) => drop(shown.remove(at)),
            None => return shrink(shown, over, |column| column.shrinks_to.map(|least| least.min(LEAST))),
        }
    }
}

/// How much the columns can give before each is down to its `least`.
fn slack(shown: &[(usize, Column, usize)], least: impl Fn(&Column) -> Option<usize>) -> usize {
    shown.iter().map(|(_, column, columns)| columns.saturating_sub(least(column).unwrap_or(*columns))).sum()
}

/// Takes `over`, or as much as there is, from the widest columns first, so that short ones stay whole.
fn shrink(shown: &mut [(usize, Column, usize)], over: usize, least: impl Fn(&Column) -> Option<usize>) {
    for _ in 0..over {
        let wider = shown.iter_mut().filter(|(_, column, columns)| least(column).is_some_and(|least| *columns > least));
        let Some((.., columns)) = wider.max_by_key(|(.., columns)| *columns) else { return };
        *columns -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] =
        [Column::new("ID"), Column::new("EXTRA").rank(1), Column::new("SUMMARY").shrinks_to(10)];

    fn table(columns: Option<usize>) -> String {
        let rows = [vec!["op_1".into(), "something".into(), "a summary that is rather long".into()]];
        let mut out = String::new();
        render(&mut out, &COLUMNS, &rows, 0, Layout { columns });
        anstream::adapter::strip_str(&out).to_string()
    }

    #[test]
    fn a_pipe_gets_everything() {
        assert_eq!(table(None), "ID    EXTRA      SUMMARY\nop_1  something  a summary that is rather long\n");
    }

    #[test]
    fn a_terminal_cuts_what_may_be_cut_and_then_leaves_columns_out() {
        assert_eq!(table(Some(30)), "ID    EXTRA      SUMMARY\nop_1  something  a summary th…\n");
        assert_eq!(table(Some(26)), "ID    SUMMARY\nop_1  a summary that is r…\n");
    }

    #[test]
    fn a_column_keeps_its_width_while_a_less_important_one_can_be_left_out() {
        let columns = [
            Column::new("ID"),
            Column::new("EXTRA").rank(1),
            Column::new("TIME").rank(2),
            Column::new("SUMMARY").shrinks_to(10).keeps(20, 2),
        ];
        let rows = [vec!["op_1".into(), "something".into(), "25 s".into(), "a summary that is rather long".into()]];
        let widths = |available| {
            let mut out = String::new();
            render(&mut out, &columns, &rows, 0, Layout { columns: Some(available) });
            anstream::adapter::strip_str(&out).to_string()
        };
        let all = "ID    EXTRA      TIME  SUMMARY\nop_1  something  25 s  a summary that is r…\n";
        assert_eq!(widths(43), all);
        assert_eq!(widths(42), "ID    TIME  SUMMARY\nop_1  25 s  a summary that is rather long\n");
        assert_eq!(widths(22), "ID    TIME  SUMMARY\nop_1  25 s  a summary…\n");
        assert_eq!(widths(21), "ID    SUMMARY\nop_1  a summary that…\n");
    }

    #[test]
    fn columns_without_any_text_are_left_out() {
        let mut out = String::new();
        render(&mut out, &COLUMNS, &[vec!["op_1".into(), "".into(), "x".into()]], 2, Layout { columns: None });
        assert_eq!(anstream::adapter::strip_str(&out).to_string(), "  ID    SUMMARY\n  op_1  x\n");
    }
}
