//! Where requests go, and what the settings add to them.

use super::super::settings::{Address, Shape};
use crate::error::{Error, Kind};
use ureq::http::{HeaderName, HeaderValue, Uri, header};

/// The URL with the shape's path, and the host behind it.
///
/// # Errors
/// [`Kind::Config`] for what is no URL, or holds a name and password.
pub(super) fn of(url: &str, shape: &Shape) -> Result<(Uri, Address), Error> {
    let wrong = |why: &str| Error::new(Kind::Config, format!("cannot send to `{}`: {why}", without_user(url)));
    let like = "write https://host:port/path";
    let uri: Uri = url.parse().map_err(|_| wrong(like))?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(wrong(like)) };
    if authority.as_str().contains('@') {
        return Err(wrong("a name and password do not belong into a URL; use a token's file"));
    }
    let has_port = authority.as_str().len() > authority.host().len();
    if authority.host().is_empty() || has_port && authority.port_u16().is_none_or(|port| port == 0) {
        return Err(wrong(like));
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    let address = match scheme {
        "https" => Address::Tls(host, authority.port_u16().unwrap_or(443)),
        "http" => Address::Tcp(host, authority.port_u16().unwrap_or(80)),
        _ => return Err(wrong(like)),
    };
    let has_path = uri.path_and_query().is_some_and(|path| path.as_str() != "/" && !path.as_str().is_empty());
    let uri = if has_path {
        uri
    } else {
        let path = shape.path();
        Uri::builder()
            .scheme(scheme)
            .authority(authority.clone())
            .path_and_query(path)
            .build()
            .map_err(|_| wrong(like))?
    };
    Ok((uri, address))
}

/// What may be shown of a URL.
fn without_user(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, place)| place)
}

/// A header that the settings add.
///
/// # Errors
/// [`Kind::Config`] where it is none, or one that is set by us.
pub(super) fn header((name, value): &(String, String)) -> Result<(HeaderName, HeaderValue), Error> {
    let wrong = |why: &str| Error::new(Kind::Config, format!("cannot use header `{name}`: {why}"));
    let parsed: HeaderName = name.parse().map_err(|_| wrong("its name is none"))?;
    let ours = [
        header::AUTHORIZATION,
        header::CONNECTION,
        header::CONTENT_ENCODING,
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::EXPECT,
        header::HOST,
        header::TRANSFER_ENCODING,
        HeaderName::from_static("idempotency-key"),
    ];
    if ours.contains(&parsed) {
        return Err(wrong("it is set by sladd; for a token use its file"));
    }
    let value = HeaderValue::from_str(value).map_err(|_| wrong("its value is no line of text"))?;
    Ok((parsed, value))
}
