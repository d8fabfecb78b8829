//! What the end of a cut line may have split.

/// Where the groups of digits start that end at `cut`, behind which the text `line[cut..]` may go on with half a group: of
/// `card 4111 1111 1111 11` nothing of the number may stay. `cut` if none end there.
pub fn groups_start(line: &[u8], cut: usize) -> usize {
    let rest = &line[cut..];
    let group = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.');
    let iban = |word: &[u8]| word.len() <= 4 && word.iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    if rest.len() > LONGEST_GROUP || !rest.iter().all(group) && !iban(rest) {
        return cut;
    }
    let mut end = cut;
    for _ in 0..MOST_GROUPS {
        let front = line[..end].trim_ascii_end();
        let blank =
            |byte: &u8| matches!(byte, b' ' | b'\t' | b'=' | b':' | b'"' | b'(' | b')' | b',' | b';' | b'&' | b'?');
        let brackets = front.iter().rev().take_while(|byte| matches!(byte, b'(' | b')')).count();
        let front = &front[..front.len() - brackets];
        let start = front.iter().rposition(blank).map_or(0, |at| at + 1);
        let word = &front[start..];
        let digit = word.iter().any(u8::is_ascii_digit);
        let bank = matches!(front[..start].trim_ascii_end(), [.., a, b, c, d] if a.is_ascii_uppercase() && b.is_ascii_uppercase() && c.is_ascii_digit() && d.is_ascii_digit());
        let grouped = digit && word.len() <= LONGEST_GROUP && word.iter().all(group)
            || iban(word) && (digit || bank && word.len() == 4);
        if !grouped {
            break;
        }
        end = start;
    }
    end
}

/// How many digits a group has that is one of several, and how many groups a number.
const LONGEST_GROUP: usize = 8;
const MOST_GROUPS: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_groups_of_a_number_that_the_end_splits_belong_to_it() {
        for (line, stays) in [
            ("card 4111 1111 1111 11", "card "),
            ("tlf (22) 11 22 3", "tlf ("),
            ("iban NO93 8601 1117 94", "iban "),
            ("served 3 pages of wool", "served 3 pages of wool"),
            ("status 200 of a", "status 200 of a"),
        ] {
            // The last word is what the end may have split.
            let cut = line.rfind(' ').map_or(0, |at| at + 1);
            let start = groups_start(line.as_bytes(), cut);
            let kept = if start == cut { line } else { &line[..start] };
            assert_eq!(kept, stays, "{line}");
        }
    }
}
