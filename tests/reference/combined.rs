//! `combined` with nom: one small parser a value, the user between the client and the first quote.

use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take_while, take_while_m_n, take_while1},
    character::complete::{anychar, char, none_of, satisfy},
    combinator::{all_consuming, opt, recognize, verify},
    multi::{count, many0_count, separated_list1},
};

/// Client, identity, user, time, request, status, size, referer and agent of a line whose identity is a dash.
pub fn read(line: &str) -> Option<[&str; 9]> {
    all_consuming(combined).parse(line).ok().map(|(_, values)| values)
}

fn combined(line: &str) -> IResult<&str, [&str; 9]> {
    let (line, client) = verify(client, |client: &str| begins(client) && brackets_hold(client)).parse(line)?;
    let (line, (_, ident, _)) = (char(' '), tag("-"), char(' ')).parse(line)?;
    // Neither user nor time holds a quote; nor does the stretch between the quotes of an empty user and the next one.
    let (rest, head) = recognize((opt(tag("\"\"")), escaped)).parse(line)?;
    let split = head.len().checked_sub(TIME);
    let split = split.filter(|&split| head.is_char_boundary(split)).ok_or(fail(line))?;
    let (user, time) = head.split_at(split);
    let (_, (_, time, _)) = all_consuming((tag(" ["), recognize(time_local), tag("] "))).parse(time)?;
    if user != "\"\"" {
        all_consuming(escaped).parse(user)?;
    }
    let (rest, request) = quote(rest)?;
    let (rest, (_, status, _, size, _)) = (
        char(' '),
        alt((recognize(count(satisfy(|c| c.is_ascii_digit()), 3)), tag("-"))),
        char(' '),
        number,
        char(' '),
    )
        .parse(rest)?;
    let (rest, referer) = quote(rest)?;
    let (rest, _) = char(' ').parse(rest)?;
    let (rest, agent) = quote(rest)?;
    Ok((rest, [client, ident, user, time, request, status, size, referer, agent]))
}

fn fail(line: &str) -> nom::Err<nom::error::Error<&str>> {
    nom::Err::Error(nom::error::Error::new(line, nom::error::ErrorKind::Verify))
}

/// A dash stands alone, or for an element of a list that was withheld.
fn begins(client: &str) -> bool {
    client == "-" || client.starts_with("-,") || !client.starts_with(['-', ','])
}

/// What a bracket opens is an address, for it holds a dot or a colon, or stands for a host name.
fn brackets_hold(client: &str) -> bool {
    let holds = |inner: &str| inner == "id" || inner.contains(['.', ':']);
    client.split('[').skip(1).all(|inner| inner.split(']').next().is_some_and(holds))
}

fn client(line: &str) -> IResult<&str, &str> {
    let word = |line| take_while1(|c: char| c.is_ascii_alphanumeric() || ".-_:[]%,".contains(c)).parse(line);
    let list = verify(word, |word: &str| word.ends_with(','));
    recognize((many0_count((list, char(' '))), opt(verify(word, |_: &str| true)))).parse(line)
}

fn time_local(time: &str) -> IResult<&str, ()> {
    let digits = |n| take_while_m_n(n, n, |c: char| c.is_ascii_digit());
    let letters = take_while_m_n(3, 3, |c: char| c.is_ascii_alphabetic());
    let date = (digits(2), char('/'), letters, char('/'), digits(4), char(':'));
    let clock = separated_list1(char(':'), digits(2));
    let clock = verify(clock, |parts: &Vec<&str>| parts.len() == 3);
    (date, clock, char(' '), satisfy(|c| c == '+' || c == '-'), digits(4)).map(|_| ()).parse(time)
}

fn number(line: &str) -> IResult<&str, &str> {
    let digits = |line| take_while(|c: char| c.is_ascii_digit()).parse(line);
    verify(recognize((opt(char('-')), digits, opt((char('.'), digits)))), |number: &str| !number.is_empty()).parse(line)
}

fn quote(line: &str) -> IResult<&str, &str> {
    let (line, (_, text, _)) = (char('"'), escaped, char('"')).parse(line)?;
    Ok((line, text))
}

/// Anything but a quote and control characters; a backslash takes the next character along.
fn escaped(line: &str) -> IResult<&str, &str> {
    let plain = recognize(verify(none_of("\"\\"), |c| *c >= ' '));
    let slashed = recognize((char('\\'), verify(anychar, |c| *c >= ' ')));
    recognize(many0_count(alt((plain, slashed)))).parse(line)
}

/// ` [`, the time, `] `.
const TIME: usize = 2 + 26 + 2;
