//! What a word says of the name beside it, and who reads it.

use super::super::{Finding, What};
use super::{
    behind, command, credential, frame, front, home, noun, owned, person,
    read::{bracket, close, device, is_name, name, run, run_back},
    request, sentence,
};

/// What a word says of the name beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// `/home/kari`: a segment behind it, where a path begins.
    Home,
    /// `C:\Users\Kari Nordmann`.
    Windows,
    /// A noun with quotes behind it: `role "kari"`.
    Quoted,
    /// A noun with quotes or a sign behind it: `Benutzer »kari«`, `brukernavn: kari`.
    Noun,
    /// `LOCAL\kari`.
    Domain,
    /// `kari/192.0.2.7:1194`: OpenVPN.
    Tunnel,
    /// `192.0.2.7 - kari [21/Nov/2026:10:00:00`, `192.0.2.7 - kari "POST`: access logs that fit no format.
    Access,
    /// `192.0.2.7 - kari [2026-11-21T10:00:00Z]`: two columns between an address and a time.
    Columns,
    /// `192.0.2.7 kari GET /`: CouchDB.
    Request,
    /// `GET /search?q=kari`, `"https://example.org/?q=kari"`: the values of a query.
    Query,
    /// `kari logged in`: a name in front of a verb.
    Acted,
    /// `logged in as kari`.
    ActedAs,
    /// `login kari from 192.0.2.7`.
    Login,
    /// `192.0.2.7 as kari`.
    AsWhom,
    /// `kari (192.0.2.7) connect to`.
    Addressed,
    /// `by kari <kari@example.org>`.
    Mailed,
    /// `@kari:example.org`: Matrix.
    Matrix,
    /// `<user>kari</user>`.
    Element,
    /// `passord: hunter2`: a secret behind a word of another language.
    Secret,
    /// `IDENTIFIED BY 'secret'`.
    QuotedSecret,
    /// `[192.0.2.7] PASS secret`: a command of FTP.
    Ftp,
    /// `VALUES ('kari', 'secret')`.
    Literals,
    /// `mysql -u kari -pSecret`.
    Command,
    /// `--password secret`.
    Option,
    /// `(kari) CMD (true)`: cron.
    Scheduled,
    /// `[kari] Peer Connection`, `'Kari'(id:`, `kari is now logged in`: a name in front.
    Before,
    /// `kari plaintext User logged in`: Cyrus.
    BeforeMethod,
    /// `203.0.113.7[kari]`: strongSwan.
    Peer,
    /// `(192.0.2.7/443) (kari)` at the end: a firewall's.
    Trailing,
    /// `kari|192.0.2.7|karis-pc|`: Samba's.
    Audit,
    /// `office kari 77 [21/Nov/2026:10:00:00 +0100] total 3`: CUPS.
    Page,
    /// `karis-pc (ipv4:`: a device's name in front.
    HostBefore,
    /// The same behind a word.
    HostBehind,
    /// `rhost=dyn.example.net`: the same at once.
    Remote,
    /// `Authorized to kari, krb5 principal`.
    Authorized,
    /// `Unable to find 'kari' account`: Pure-FTPd.
    Account,
    /// `groups=1000(kari)`: the names of groups that are called as their users are.
    Groups,
    /// `dyn-7.example.net [203.0.113.7]`: what the other end is called.
    Reverse,
    /// `user = kari`, `"password"=>"secret"`: a sign with blanks around it, or an arrow.
    Assigned,
    /// `Key (username)=(kari)`: PostgreSQL.
    Key,
    /// `Matched Data: kari found within ARGS:user`: ModSecurity.
    Matched,
    /// `> for kari:1000`: SpamAssassin.
    Scanned,
    /// `[kari/secret] (from client nas`: FreeRADIUS.
    Radius,
    /// `'kari'@'host'`: MySQL.
    AtHost,
    /// `"Kari Nordmann" <kari@example.org>`.
    Mailbox,
    /// `From: Kari Nordmann <kari@example.org>`.
    Sender,
    /// A name up to where its bracket closes.
    Bracketed,
    /// A device's name up to where its bracket closes.
    Station,
    /// `"AUTH" "kari" "secret"`: Redis.
    Commanded,
    /// A name that a bracket, a known word or the end follows.
    Bare,
    /// `sshd: kari [priv]`, `sshd: kari@pts/0`, `User@Host: kari[kari] @`.
    Daemon,
    /// `from=kari, size=1`: sendmail.
    Sendmail,
    /// `SIP/kari-0000001f`: Asterisk.
    Channel,
    /// `cn=Kari Nordmann,ou=people`.
    CommonName,
    /// `UID 1000`, `user-1000.slice`, `S-1-5-21-…-1001`.
    Number,
    /// `DHCPACK on 192.0.2.7 to 00:00:5e:00:53:01 (karis-phone) via eth0`.
    Lease,
    /// `Bearer abc123`, `Basic a2FyaTp4`.
    Token,
    /// `proctitle=7375206B617269`: a command line in hexadecimals.
    Process,
    /// `Cookie: a=b; c=d`
    Cookie,
    /// `db.php(3): connect('kari', 'secret')`: what a function was called with.
    Trace,
    /// `Exit (kari) from <`: a name between two fixed sides.
    Framed,
    /// `- (kari) 192.0.2.7>`: FileZilla.
    Transfer,
    /// `[FTP Session 77 192.0.2.7 kari]`: the same.
    Session,
    /// `] NEW kari:token`: cPanel.
    Opened,
    /// `A1 LOGIN kari secret`: IMAP.
    Imap,
    /// `"kari<2><[U:1:77]>`: a game's server.
    Gamer,
    /// `192.0.2.7 kari tty0`.
    Terminal,
    /// ` 443 kari 192.0.2.7`: IIS.
    Ported,
    /// `auth kari/secret from`.
    Pair,
    /// `password hunter2`.
    OddSecret,
    /// `<password>hunter2</password>`.
    SecretElement,
    /// `$1 = 'kari'`: PostgreSQL.
    Parameter,
    /// `<Data Name='WorkstationName'>KARIS-PC</Data>`.
    StationElement,
    /// `kari,192.0.2.7,`: columns beside an address.
    Beside,
    /// `db1,kari,karis-pc,8,0,FAILED_CONNECT,`: MariaDB.
    Audited,
    /// `Karis-iPhone`, `DESKTOP-7ABC123`.
    Owned,
    /// `karis-phone.lan`.
    AtHome,
    /// `DHCP 192.0.2.7 is karis-phone`, `/etc/hosts 192.0.2.7 is karis-phone`.
    Known,
    /// `query[A] karis-phone from`.
    Asked,
    /// `00:00:5e:00:53:01 192.0.2.7 karis-phone 01:`.
    Leased,
    /// `Kari Nordmann (+47 …`: a name in front of a number.
    Called,
    /// `["name", "Kari Nordmann"]`.
    Titled,
    /// `Dear Kari Nordmann`, `kunde Kari Nordmann`.
    Greeted,
    /// `a0="mysql" a1="-u" a2="kari"`: a command of the audit's, word by word.
    Executed,
}

impl Mark {
    /// Whether credentials follow it, and no name.
    pub(super) fn is_secret(self) -> bool {
        matches!(
            self,
            Mark::Token
                | Mark::Process
                | Mark::Cookie
                | Mark::Trace
                | Mark::Matched
                | Mark::Query
                | Mark::Secret
                | Mark::QuotedSecret
                | Mark::Literals
                | Mark::OddSecret
                | Mark::SecretElement
                | Mark::Parameter
        )
    }
}

impl Mark {
    /// Whether what it hides may be long.
    pub(super) fn reaches_far(self) -> bool {
        matches!(self, Mark::Cookie | Mark::Trace | Mark::Matched | Mark::Literals)
    }
}

/// Adds the names that belong to the word from `at` to `end`.
pub(super) fn verify(text: &[u8], at: usize, end: usize, mark: Mark, found: &mut Vec<Finding>) {
    let finding = match mark {
        Mark::Home => home::home(text, at, end),
        Mark::Windows => home::windows(text, end),
        Mark::Quoted | Mark::Noun => noun::noun(text, at, end, mark),
        Mark::Domain => noun::domain(text, at + 1),
        Mark::Tunnel => front::tunnel(text, at),
        Mark::Access => front::access(text, at, end),
        Mark::Columns => return front::columns(text, at, found),
        Mark::Request => front::request(text, at),
        Mark::Query => {
            // The target starts behind the method, the quote or the sign.
            let start = run_back(text, end, |byte| !matches!(byte, b' ' | b'"' | b'=' | b'|')).max(at);
            return request::target(text, at, start, found);
        }
        Mark::Acted => sentence::acted(text, at, end),
        Mark::ActedAs => sentence::behind(text, end),
        Mark::Login => sentence::login(text, end),
        Mark::AsWhom => sentence::as_whom(text, at, end),
        Mark::Addressed => front::addressed(text, at),
        Mark::Mailed => front::mailed(text, at, end),
        Mark::Matrix => {
            person::beside(text, at, found);
            behind::matrix(text, at)
        }
        Mark::Element => behind::element(text, end),
        Mark::Secret => noun::secret_abroad(text, end),
        Mark::QuotedSecret => behind::quoted_secret(text, end),
        Mark::Ftp => behind::ftp(text, at, end),
        Mark::Literals => return credential::literals(text, end, found),
        Mark::Command => return command::command(text, at, found),
        Mark::Option => return command::long(text, at, end, found),
        Mark::Scheduled => return front::scheduled(text, at, end, found),
        Mark::Before => front::before(text, at),
        Mark::BeforeMethod => {
            let method = run_back(text, at, is_name);
            method.checked_sub(1).and_then(|at| front::before(text, at))
        }
        Mark::Peer => front::peer(text, at + 1),
        Mark::Trailing => front::trailing(text, at, end - 1),
        Mark::Audit => return front::audit(text, at, found),
        Mark::Page => front::page(text, at),
        Mark::HostBefore => {
            let start = run_back(text, at, is_name);
            (start < at).then(|| device(text, start, at)).flatten()
        }
        Mark::HostBehind => {
            let start = run(text, end, |byte| matches!(byte, b' ' | b'\t'));
            let stop = run(text, start, is_name);
            (stop > start).then(|| device(text, start, stop)).flatten()
        }
        Mark::Remote => {
            let stop = run(text, end, is_name);
            (stop > end).then(|| device(text, end, stop)).flatten()
        }
        Mark::Authorized => {
            let stop = run(text, end, is_name);
            text[stop..].starts_with(b", krb5").then(|| name(text, end, stop)).flatten()
        }
        Mark::Account => {
            let stop = run(text, end, |byte| !matches!(byte, b'\'' | b'\n'));
            text[stop..].starts_with(b"' account").then(|| name(text, end, stop)).flatten()
        }
        Mark::Groups => return behind::groups(text, end - 1, found),
        Mark::Reverse => {
            found.extend(front::helo(text, at));
            front::reverse(text, at)
        }
        Mark::Assigned => noun::assigned(text, at, end),
        Mark::Key => noun::key(text, at, end),
        Mark::Matched => credential::matched(text, end),
        Mark::Scanned => behind::scanned(text, end),
        Mark::Cookie => credential::cookie(text, end),
        Mark::Trace => return credential::trace(text, end, found),
        Mark::Radius => front::radius(text, at),
        Mark::AtHost => return front::at_host(text, at, end, found),
        Mark::Mailbox => behind::display(text, at, end),
        Mark::Sender => behind::sender(text, end),
        Mark::Bracketed => behind::bracketed(text, end),
        Mark::Station => close(text, end, bracket(text[end - 1])).and_then(|close| device(text, end, close)),
        Mark::Commanded => return behind::commanded(text, end, found),
        Mark::Bare => behind::bare(text, end),
        Mark::Daemon => behind::daemon(text, end),
        Mark::Sendmail => behind::sendmail(text, end),
        Mark::Channel => behind::channel(text, end),
        Mark::CommonName => behind::common_name(text, at, end),
        Mark::Number => behind::number(text, at, end),
        Mark::Lease => behind::lease(text, end).or_else(|| owned::known(text, end + 1)),
        Mark::Token => credential::credentials(text, at, end),
        Mark::Process => credential::process(text, end),
        Mark::Framed => frame::framed(text, at, end),
        Mark::Transfer => frame::transfer(text, end),
        Mark::Session => frame::session(text, end),
        Mark::Opened => frame::opened(text, end),
        Mark::Imap => return frame::imap(text, at, end, found),
        Mark::Gamer => frame::gamer(text, at),
        Mark::Terminal => frame::terminal(text, at),
        Mark::Ported => frame::ported(text, end),
        Mark::Pair => return frame::pair(text, end, found),
        Mark::OddSecret => frame::odd_secret(text, end),
        Mark::SecretElement => behind::element(text, end).map(|finding| Finding { what: What::Token, ..finding }),
        Mark::Parameter => frame::parameter(text, end),
        Mark::StationElement => behind::element(text, end).map(|finding| Finding { what: What::HostName, ..finding }),
        Mark::Beside => return frame::beside(text, at, found),
        Mark::Audited => return frame::audited(text, at, found),
        Mark::Owned => owned::owned(text, at, end),
        Mark::AtHome => owned::at_home(text, at, end),
        Mark::Known => owned::known(text, end),
        Mark::Asked => owned::asked(text, end),
        Mark::Leased => owned::leased(text, at),
        Mark::Called => return person::in_front(text, at, found),
        Mark::Titled => person::behind_key(text, end - 1, person::Sure::Full),
        Mark::Greeted => person::greeted(text, end),
        Mark::Executed => return command::executed(text, end, found),
    };
    found.extend(finding);
}
