#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;
use serde::de::IgnoredAny;

thread_local! {
    static JSON: Json = Json::new();
}

fn parse(line: &[u8]) -> Result<Record, Malformed> {
    let mut record = Record::default();
    JSON.with(|json| json.parse(line, Ending::Whole, &mut record)).map(|()| record)
}

/// Every value that is no key, as `name=bytes`; `!` in front of one that is withheld.
fn values(line: &str) -> Vec<String> {
    let record = parse(line.as_bytes()).unwrap();
    let name = |value: &Value| JSON.with(|json| json.schema.fields[value.field as usize].name.to_string());
    let present = record.values.iter().filter(|v| v.field > UNKNOWN_KEY && v.state != State::Absent);
    present
        .map(|v| {
            let withheld = if v.state == State::Ambiguous { "!" } else { "" };
            format!("{withheld}{}={}", name(v), String::from_utf8_lossy(v.span.of(line.as_bytes())))
        })
        .collect()
}

/// Keys that are not known to the table.
fn unknown_keys(line: &str) -> Vec<String> {
    let record = parse(line.as_bytes()).unwrap();
    let unknown = record.values.iter().filter(|v| v.field == UNKNOWN_KEY);
    unknown.map(|v| String::from_utf8_lossy(v.span.of(line.as_bytes())).into_owned()).collect()
}

fn field_of(line: &str) -> String {
    let values = values(line);
    assert_eq!(values.len(), 1, "{line}: {values:?}");
    values[0].split_once('=').unwrap().0.to_owned()
}

#[test]
fn nginx_json_as_people_write_it() {
    let line = r#"{"time_iso8601":"2026-11-21T10:00:00+00:00","remote_addr":"192.0.2.1","remote_user":"bob","request":"GET /a?b=c HTTP/1.1","status": "200","body_bytes_sent":"612","request_time":"0.001","http_referer":"https://www.example.org/","http_user_agent":"curl/8.5.0","http_x_forwarded_for":"198.51.100.7, 192.0.2.1","host":"www.example.org","upstream_addr":"203.0.113.5:8080"}"#;
    assert_eq!(
        values(line),
        [
            "timestamp=2026-11-21T10:00:00+00:00",
            "client.address=192.0.2.1",
            "user.name=bob",
            "http.request.method=GET",
            "url.path=/a",
            "url.query=b=c",
            "network.protocol.version=HTTP/1.1",
            "http.response.status_code=200",
            "http.response.body.size=612",
            "http.request.duration=0.001",
            "http.request.header.referer=https://www.example.org/",
            "user_agent.original=curl/8.5.0",
            "http.request.header.x-forwarded-for=198.51.100.7, 192.0.2.1",
            "server.address=www.example.org",
            "upstream.address=203.0.113.5:8080",
        ]
    );
    assert!(unknown_keys(line).is_empty());
}

#[test]
fn the_name_of_an_attribute_says_what_its_value_is() {
    let line = r#"{"attributes":[{"key":"client.address","value":{"stringValue":"192.0.2.1"}},{"key":"http.response.status_code","value":{"intValue":"200"}},{"key":"url.path","value":{"stringValue":"/a?b=c"}},{"key":"user.name","value":"bob"},{"key":"host.ip","value":{"arrayValue":{"values":[{"stringValue":"192.0.2.2"}]}}}]}"#;
    let values = values(line);
    for value in [
        "client.address=192.0.2.1",
        "http.response.status_code=200",
        "url.path=/a",
        "url.query=b=c",
        "user.name=bob",
        "network.local.address=192.0.2.2",
    ] {
        assert!(values.iter().any(|found| found == value), "{value} in {values:?}");
    }
}

#[test]
fn a_key_that_names_nothing_is_unknown_with_its_value() {
    for line in [
        r#"{"a":[{"key":"sesame"}]}"#,
        r#"{"a":[{"key":"client.address","x":1,"value":"192.0.2.1"}]}"#,
        r#"{"a":[{"key":"sesame","value":{"stringValue":"x"}}]}"#,
        r#"{"a":[{"value":"192.0.2.1","key":"client.address"}]}"#,
        r#"{"a":{"key":"client.address","value":"192.0.2.1"}}"#,
    ] {
        let values = values(line);
        assert!(values.iter().all(|value| value.starts_with("*=")), "{line}: {values:?}");
    }
}

#[test]
fn a_loki_line_stands_behind_its_time() {
    let line = r#"{"streams":[{"stream":{"host":"www.example.org"},"values":[["1795255200000000000","a line"],["17952552000000000001","b"]]}]}"#;
    let values = values(line);
    assert!(values.contains(&"timestamp=1795255200000000000".to_owned()), "{values:?}");
    assert!(values.contains(&"message=a line".to_owned()));
    assert!(values.contains(&"message=17952552000000000001".to_owned()));
}

#[test]
fn caddys_nested_request() {
    let line = r#"{"level":"info","ts":1793270400.5,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"192.0.2.1","remote_port":"45750","client_ip":"198.51.100.7","proto":"HTTP/2.0","method":"GET","host":"www.example.org","uri":"/a?b=c","headers":{"User-Agent":["curl/8.5.0"],"X-Forwarded-For":["192.0.2.1"],"Cookie":["a=b"],"Authorization":[],"X-Odd":["x"]},"tls":{"resumed":false,"version":772,"cipher_suite":4865,"proto":"h2","server_name":"www.example.org"}},"bytes_read":0,"user_id":"","duration":0.0023,"size":12,"status":200,"resp_headers":{"Server":["Caddy"],"Set-Cookie":["s=t"]}}"#;
    assert_eq!(
        values(line),
        [
            "log.level=info",
            "timestamp=1793270400.5",
            "log.logger=http.log.access",
            "message=handled request",
            "client.address=192.0.2.1",
            "client.port=45750",
            "client.address=198.51.100.7",
            "network.protocol.version=HTTP/2.0",
            "http.request.method=GET",
            "server.address=www.example.org",
            "url.path=/a",
            "url.query=b=c",
            "user_agent.original=curl/8.5.0",
            "http.request.header.x-forwarded-for=192.0.2.1",
            "http.request.header.cookie=a=b",
            "*=x",
            "tls.resumed=false",
            "tls.protocol.version=772",
            "tls.cipher=4865",
            "tls.application_protocol=h2",
            "tls.client.server_name=www.example.org",
            "http.request.size=0",
            "user.name=",
            "http.request.duration=0.0023",
            "http.response.body.size=12",
            "http.response.status_code=200",
            "http.response.header.server=Caddy",
            "http.response.header.set-cookie=s=t",
        ]
    );
    assert_eq!(unknown_keys(line), ["X-Odd"]);
}

#[test]
fn each_alias_means_its_field() {
    // Key, then field: one line a pair, so that a newcomer's program is one line here.
    for (line, field) in [
        // Traefik.
        (r#"{"ClientAddr":"192.0.2.1:80"}"#, "client.address"),
        (r#"{"ClientHost":"192.0.2.1"}"#, "client.address"),
        (r#"{"ClientPort":"80"}"#, "client.port"),
        (r#"{"ClientUsername":"bob"}"#, "user.name"),
        (r#"{"RequestAddr":"www.example.org"}"#, "server.address"),
        (r#"{"RequestHost":"www.example.org"}"#, "server.address"),
        (r#"{"RequestMethod":"GET"}"#, "http.request.method"),
        (r#"{"RequestPath":"/"}"#, "url.path"),
        (r#"{"RequestProtocol":"HTTP/1.1"}"#, "network.protocol.version"),
        (r#"{"DownstreamStatus":200}"#, "http.response.status_code"),
        (r#"{"DownstreamContentSize":1}"#, "http.response.body.size"),
        (r#"{"Duration":1}"#, "http.request.duration"),
        (r#"{"OriginStatus":200}"#, "upstream.status"),
        (r#"{"StartUTC":"2026-11-21T10:00:00Z"}"#, "timestamp"),
        (r#"{"request_User-Agent":"curl/8"}"#, "user_agent.original"),
        (r#"{"request_Referer":"https://www.example.org/"}"#, "http.request.header.referer"),
        (r#"{"request_X-Forwarded-For":"192.0.2.1"}"#, "http.request.header.x-forwarded-for"),
        (r#"{"request_X-Real-Ip":"192.0.2.1"}"#, "client.address"),
        (r#"{"request_Authorization":"Basic x"}"#, "http.request.header.authorization"),
        (r#"{"downstream_Content-Type":"text/html"}"#, "http.response.header.content-type"),
        (r#"{"origin_Set-Cookie":"a=b"}"#, "http.response.header.set-cookie"),
        (r#"{"ServiceURL":{"Host":"192.0.2.1:80"}}"#, "upstream.address"),
        (r#"{"ServiceURL":"http://192.0.2.1:80"}"#, "upstream.url"),
        // ECS.
        (r#"{"client.ip":"192.0.2.1"}"#, "client.address"),
        (r#"{"client":{"ip":"192.0.2.1"}}"#, "client.address"),
        (r#"{"source":{"address":"192.0.2.1"}}"#, "client.address"),
        (r#"{"source":{"port":1}}"#, "client.port"),
        (r#"{"url":{"original":"/"}}"#, "url.path"),
        (r#"{"url.original":"https://www.example.org/?a"}"#, "url.full"),
        (r#"{"url":{"full":"https://www.example.org/?a"}}"#, "url.full"),
        (r#"{"url":{"path":"/"}}"#, "url.path"),
        (r#"{"url":{"query":"a=b"}}"#, "url.query"),
        (r#"{"user_agent":{"original":"curl/8"}}"#, "user_agent.original"),
        (r#"{"user":{"name":"bob"}}"#, "user.name"),
        (r#"{"user":{"email":"bob@example.org"}}"#, "user.name"),
        (r#"{"http":{"request":{"method":"GET"}}}"#, "http.request.method"),
        (r#"{"http.request":{"method":"GET"}}"#, "http.request.method"),
        (r#"{"http":{"request.method":"GET"}}"#, "http.request.method"),
        (r#"{"http":{"request":{"referrer":"https://www.example.org"}}}"#, "http.request.header.referer"),
        (r#"{"http":{"request":{"body":{"bytes":5}}}}"#, "http.request.size"),
        (r#"{"http":{"request":{"body":{"content":"x"}}}}"#, "http.request.body"),
        (r#"{"http":{"response":{"status_code":200}}}"#, "http.response.status_code"),
        (r#"{"http":{"response":{"body":{"bytes":5}}}}"#, "http.response.body.size"),
        (r#"{"http":{"version":"1.1"}}"#, "network.protocol.version"),
        (r#"{"@timestamp":"2026-11-21T10:00:00Z"}"#, "timestamp"),
        (r#"{"event":{"duration":1}}"#, "http.request.duration"),
        (r#"{"log":{"level":"info"}}"#, "log.level"),
        (r#"{"error":{"message":"x"}}"#, "message"),
        (r#"{"host":{"name":"web1"}}"#, "host.name"),
        (r#"{"host":{"ip":["192.0.2.1"]}}"#, "network.local.address"),
        (r#"{"destination":{"ip":"192.0.2.1"}}"#, "network.local.address"),
        (r#"{"process":{"pid":1}}"#, "process.pid"),
        // OpenTelemetry, old and new.
        (r#"{"attributes":{"client.address":"192.0.2.1"}}"#, "client.address"),
        (r#"{"attributes.network.peer.address":"192.0.2.1"}"#, "network.peer.address"),
        (r#"{"attributes":{"http.client_ip":"192.0.2.1"}}"#, "client.address"),
        (r#"{"attributes":{"http.target":"/"}}"#, "url.path"),
        (r#"{"http.url":"https://www.example.org/"}"#, "url.full"),
        (r#"{"http.user_agent":"curl/8"}"#, "user_agent.original"),
        (r#"{"http.status_code":200}"#, "http.response.status_code"),
        (r#"{"net.peer.ip":"192.0.2.1"}"#, "network.peer.address"),
        (r#"{"http.request.header.accept-language":["de"]}"#, "http.request.header.accept-language"),
        (r#"{"http":{"request":{"header":{"x-forwarded-for":["192.0.2.1"]}}}}"#, "http.request.header.x-forwarded-for"),
        // Others.
        (r#"{"ClientIP":"192.0.2.1"}"#, "client.address"),
        (r#"{"ClientRequestURI":"/"}"#, "url.path"),
        (r#"{"EdgeResponseStatus":200}"#, "http.response.status_code"),
        (r#"{"httpRequest":{"remoteIp":"192.0.2.1"}}"#, "client.address"),
        (r#"{"httpRequest":{"status":200}}"#, "http.response.status_code"),
        (r#"{"httpRequest":{"userAgent":"curl/8"}}"#, "user_agent.original"),
        (r#"{"cs(User-Agent)":"curl/8"}"#, "user_agent.original"),
        (r#"{"c-ip":"192.0.2.1"}"#, "client.address"),
        (r#"{"req":{"headers":{"user-agent":"curl/8"}}}"#, "user_agent.original"),
        (r#"{"req":{"headers":{"host":"www.example.org"}}}"#, "server.address"),
        (r#"{"req":{"url":"/"}}"#, "url.path"),
        (r#"{"res":{"statusCode":200}}"#, "http.response.status_code"),
        // The host that the server chose by, and what a visitor may say of it besides.
        (r#"{"http_host":"www.example.org"}"#, "server.address"),
        (r#"{"server_name":"www.example.org"}"#, "server.address"),
        (r#"{"vhost":"www.example.org"}"#, "server.address"),
        (r#"{"headers":{":authority":"www.example.org"}}"#, "server.address"),
        (r#"{"http.request.header.host":"www.example.org"}"#, "server.address"),
        (r#"{"X-Forwarded-Host":"www.example.org"}"#, "http.request.header.x-forwarded-host"),
        (r#"{"x_forwarded_host":"www.example.org"}"#, "http.request.header.x-forwarded-host"),
        (r#"{"http_x_forwarded_host":"www.example.org"}"#, "http.request.header.x-forwarded-host"),
        (r#"{"request_X-Forwarded-Server":"www.example.org"}"#, "http.request.header.x-forwarded-host"),
        (r#"{"foo":{"x-original-host":"www.example.org"}}"#, "http.request.header.x-forwarded-host"),
        (r#"{"req":{"headers":{"x-forwarded-host":["www.example.org"]}}}"#, "http.request.header.x-forwarded-host"),
        (r#"{"request":{"headers":{"Server-Name":["www.example.org"]}}}"#, "http.request.header.x-forwarded-host"),
        (r#"{"headers":{"foo.vhost":"www.example.org"}}"#, "*"),
        (r#"{"headers":{"foo.server_name":"www.example.org"}}"#, "http.request.header.x-forwarded-host"),
        (r#"{"headers":{"x.headers.host":"www.example.org"}}"#, "http.request.header.x-forwarded-host"),
        (r#"{"req.headers.Server_Name":"www.example.org"}"#, "http.request.header.x-forwarded-host"),
        (r#"{"ssl_server_name":"www.example.org"}"#, "tls.client.server_name"),
        // Below keys that mean nothing.
        (r#"{"foo":{"bar":{"remote_addr":"192.0.2.1"}}}"#, "client.address"),
        (r#"{"foo":[{"bar":[["x"],{"clientIp":"192.0.2.1"}]}]}"#.replace(r#"["x"],"#, "").leak(), "client.address"),
        (r#"{"foo.bar.user_agent":"curl/8"}"#, "user_agent.original"),
        (r#"{"foo":{"X-Forwarded-For":"192.0.2.1"}}"#, "http.request.header.x-forwarded-for"),
        (r#"{"foo":{"status":"x"}}"#, "*"),
        (r#"{"foo":{"password":"x"}}"#, "http.request.header.authorization"),
        // Ids.
        (r#"{"gaid":"x"}"#, "device.id"),
        (r#"{"params":{"androidId":"x"}}"#, "device.id"),
        (r#"{"device":{"id":"x"}}"#, "device.id"),
        (r#"{"IMEI":"x"}"#, "device.id"),
        (r#"{"a":{"PHPSESSID":"x"}}"#, "session.id"),
        (r#"{"sessionId":"x"}"#, "session.id"),
        (r#"{"ASP.NET_SessionId":"x"}"#, "session.id"),
        (r#"{"e-mail":"x"}"#, "user.name"),
        (r#"{"accessToken":"x"}"#, "http.request.header.authorization"),
        (r#"{"nothing we know":"x"}"#, "*"),
        (r#"{"":"x"}"#, "*"),
    ] {
        assert_eq!(field_of(line), field, "{line}");
    }
}

#[test]
fn names_are_compared_without_case_and_separators() {
    for key in [
        "remote_addr",
        "REMOTE_ADDR",
        "remote-addr",
        "RemoteAddr",
        "remoteAddr",
        "remote.addr",
        "$remote_addr",
        "Remote Addr",
    ] {
        assert_eq!(field_of(&format!(r#"{{"{key}":"192.0.2.1"}}"#)), "client.address", "{key}");
    }
}

#[test]
fn a_secret_is_secret_in_all_its_parts() {
    assert_eq!(
        values(r#"{"password":{"a":"b","client_ip":"c","d":[1,{"status":2}]},"x":1}"#),
        [
            "http.request.header.authorization=b",
            "http.request.header.authorization=c",
            "http.request.header.authorization=1",
            "http.request.header.authorization=2",
            "*=1"
        ]
    );
    assert_eq!(field_of(r#"{"http":{"request":{"body":{"x.status_code":1}}}}"#), "http.request.body");
    assert_eq!(field_of(r#"{"password.hint":"x"}"#), "http.request.header.authorization");
    assert_eq!(field_of(r#"{"request_body":[["x"]]}"#), "http.request.body");
    assert_eq!(values(r#"{"cookies":{"PHPSESSID":"a","b":"c"}}"#), ["session.id=a", "http.request.cookie=c"]);
    assert_eq!(field_of(r#"{"cookies.b":"c"}"#), "http.request.cookie");
}

#[test]
fn a_known_name_spelled_with_escapes_is_withheld() {
    assert_eq!(values(r#"{"remote\u005faddr":"192.0.2.1"}"#), ["!client.address=192.0.2.1"]);
    assert_eq!(values(r#"{"us\u0065r":{"name":["bob"],"x":1}}"#), ["!*=bob", "!*=1"]);
    assert_eq!(values(r#"{"sourc\u0065":{"port":1},"été.source":2}"#), ["*=1", "*=2"]);
    assert_eq!(values(r#"{"\u00e9t\u00e9":"x","\"":"y"}"#), ["*=x", "*=y"]);
    assert_eq!(values(r#"{"été.remote_addr":"192.0.2.1"}"#), ["!client.address=192.0.2.1"]);
}

#[test]
fn keys_are_values_and_the_unknown_ones_are_told_apart() {
    assert_eq!(
        unknown_keys(r#"{"remote_addr":1,"bob@example.org":2,"foo.remote_addr":3,"request":{"x":4}}"#),
        ["bob@example.org", "foo.remote_addr", "x"]
    );
}

#[test]
fn requests_are_cut_into_five_and_targets_into_three() {
    let record = parse(br#"{"request":"GET /a HTTP/1.1","uri":"/b?c"}"#).unwrap();
    assert_eq!(
        record.marks,
        [Mark::Object, Mark::Key(0), Mark::Request(1), Mark::Key(6), Mark::Target(7), Mark::Close]
    );
    let states: Vec<_> = record.values.iter().map(|v| v.state == State::Present).collect();
    assert_eq!(states, [true, true, true, false, true, false, true, true, true, false]);
}

#[test]
fn what_is_no_request_line_stays_whole() {
    for value in ["", "-", r"\u0016\u0003\u0001", "hello"] {
        assert_eq!(values(&format!(r#"{{"request":"{value}"}}"#)), [format!("http.request.line={value}")]);
    }
    assert_eq!(values(r#"{"request":"GET /a b"}"#), ["http.request.method=GET", "url.path=/a b"]);
}

#[test]
fn absolute_targets_are_urls() {
    assert_eq!(
        values(r#"{"request":"GET http://bob:x@www.example.org/a?b HTTP/1.1"}"#),
        ["http.request.method=GET", "url.full=http://bob:x@www.example.org/a?b", "network.protocol.version=HTTP/1.1"]
    );
    assert_eq!(
        values(r#"{"request_uri":"http:\/\/www.example.org\/a?b"}"#),
        [r"url.full=http:\/\/www.example.org\/a?b"]
    );
}

#[test]
fn a_cut_spelled_as_an_escape_withholds_the_value() {
    assert_eq!(values(r#"{"uri":"/a\u003fb=c"}"#), [r"!url.original=/a\u003fb=c"]);
    assert_eq!(values(r#"{"request":"GET\u0020/a HTTP/1.1"}"#), [r"!http.request.line=GET\u0020/a HTTP/1.1"]);
}

#[test]
fn our_own_tag_is_left_out_wherever_it_stands() {
    let plain = parse(br#"{"a":1,"b":2}"#).unwrap();
    for line in [
        r#"{"a":1,"b":2,"sladd":{"class":"x","until":"2027-05-21"}}"#,
        r#"{"sladd":{"x":[{}]},"a":1,"b":2}"#,
        r#"{"a":1,"sladd":{},"b":2}"#,
    ] {
        let record = parse(line.as_bytes()).unwrap();
        assert_eq!(record.marks, plain.marks, "{line}");
        assert_eq!(record.values.len(), plain.values.len());
    }
}

#[test]
fn every_object_called_as_the_tag_is_one_and_nothing_else_is() {
    for line in [r#"{"sladd":1}"#, r#"{"sladd":[]}"#, r#"{"a":{"sladd":1}}"#] {
        assert!(!parse(line.as_bytes()).unwrap().values.is_empty(), "{line}");
    }
    for line in [r#"{"sladd":{},"sladd":{}}"#, r#"{"sladd":{"a":{"b":1}},"sladd":{"c":[2]}}"#] {
        assert!(parse(line.as_bytes()).unwrap().values.is_empty(), "{line}");
    }
}

#[test]
fn blanks_are_remembered() {
    let blanks = |line: &str| {
        let blanks = parse(line.as_bytes()).unwrap().blanks;
        (blanks.colon, blanks.comma)
    };
    assert_eq!(blanks(r#"{"a":1,"b":2}"#), (false, false));
    assert_eq!(blanks(r#"{"a": 1, "b": 2}"#), (true, true));
    assert_eq!(blanks(r#"{"a": 1,"b": 2}"#), (true, false));
}

#[test]
fn a_line_is_exactly_one_object() {
    for line in [
        "",
        " ",
        "{",
        "}",
        "[]",
        "1",
        "null",
        r#""a""#,
        "{}{}",
        "{} x",
        "{},",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{,"a":1}"#,
        r#"{"a":1 "b":2}"#,
        r#"{"a":[1,]}"#,
        r#"{"a":[1}"#,
        r#"{"a":{]}"#,
        r#"{a:1}"#,
        r#"{"a":01}"#,
        r#"{"a":+1}"#,
        r#"{"a":1.}"#,
        r#"{"a":NaN}"#,
        r#"{"a":tru}"#,
        r#"{"a":truex}"#,
        r#"{"a":"x}"#,
        r#"{"a":"\x22"}"#,
        r#"{"a":"\u12g4"}"#,
        "{\"a\":\"\n\"}",
        "{\"a\":\"\0\"}",
        "{\"a\u{1}\":1}",
        r#"{"a":1}]"#,
        r#"{"a":[]]}"#,
        "\u{feff}{}",
        "{}\0",
    ] {
        assert!(parse(line.as_bytes()).is_err(), "{line:?}");
        assert!(serde_json::from_str::<IgnoredAny>(line).is_err() || !line.starts_with('{'), "{line:?}");
    }
    for line in ["{}", " {} ", "\t{ \"a\" :\r[ ] }", r#"{"a":[[],{},[{}]]}"#, r#"{"a":-0.0e+1}"#, "{\"a\":\"\u{7f}\"}"]
    {
        assert!(parse(line.as_bytes()).is_ok(), "{line:?}");
    }
}

#[test]
fn strings_need_not_be_utf8() {
    assert!(parse(b"{\"a\xff\":\"\xc3\x28\xff\"}").is_ok());
    assert!(parse(br#"{"a":"\ud800"}"#).is_ok());
}

#[test]
fn nesting_ends_at_64() {
    let nested = |depth: usize| format!("{{\"a\":{}1{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    assert!(parse(nested(64).as_bytes()).is_ok());
    assert_eq!(parse(nested(65).as_bytes()).unwrap_err().expected, "less nesting");
    assert!(parse("{\"a\":".repeat(100_000).as_bytes()).is_err());
}

#[test]
fn a_line_of_too_many_values_is_malformed() {
    assert!(parse(format!("{{\"a\":[1{}]}}", ",1".repeat(60_000)).as_bytes()).is_ok());
    assert!(parse(format!("{{\"a\":[1{}]}}", ",1".repeat(66_000)).as_bytes()).is_err());
    assert!(parse(format!("{{\"request\":[\"\"{}]}}", ",\"\"".repeat(20_000)).as_bytes()).is_err());
}

#[test]
fn each_field_has_one_name_and_each_name_one_field() {
    let mut names: Vec<_> = JSON.with(|json| json.schema.fields.iter().map(|f| f.name.clone()).collect());
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
    assert!(all <= 512, "the encoder counts up to here");
    JSON.with(|json| {
        for (field, name) in [
            (METHOD, "http.request.method"),
            (PATH, "url.path"),
            (QUERY, "url.query"),
            (PROTOCOL, "network.protocol.version"),
            (REQUEST, "http.request.line"),
            (URL, "url.full"),
            (TARGET_WHOLE, "url.original"),
            (UNKNOWN, "*"),
        ] {
            assert_eq!(&*json.schema.fields[field as usize].name, name);
        }
    });
}

/// Objects as programs write them, keys from our table among them, duplicates too.
fn object() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        Just("remote_addr"),
        Just("request"),
        Just("uri"),
        Just("status"),
        Just("user"),
        Just("headers"),
        Just("password"),
        Just("foo"),
        Just("a.b.c"),
        Just("client.ip"),
        Just("sladd "),
        Just("us\\u0065r"),
        Just("Cookies"),
        Just("é"),
        Just("bob@example.org")
    ];
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i32>().prop_map(|n| n.to_string()),
        any::<f32>().prop_filter("finite", |n| n.is_finite()).prop_map(|n| n.to_string()),
        any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap()),
        Just(r#""GET /a?b=c HTTP/1.1""#.to_owned()),
        Just(r#""\ud83d\ude00\/\u003f""#.to_owned()),
    ];
    let value = scalar.prop_recursive(5, 40, 6, move |inner| {
        let blank = prop_oneof![Just(""), Just(" ")];
        let members = prop::collection::vec((key.clone(), inner.clone()), 0..6);
        prop_oneof![
            (prop::collection::vec(inner, 0..4), blank.clone())
                .prop_map(|(v, b)| format!("[{}]", v.join(&format!(",{b}")))),
            (members, blank).prop_map(|(m, b)| {
                let members: Vec<_> = m.into_iter().map(|(k, v)| format!("\"{k}\":{b}{v}")).collect();
                format!("{{{}}}", members.join(&format!(",{b}")))
            }),
        ]
    });
    value.prop_map(|value| if value.starts_with('{') { value } else { format!("{{\"foo\":{value}}}") })
}

/// Makes one change at one place.
fn bend(line: String) -> impl Strategy<Value = Vec<u8>> {
    let bytes = line.into_bytes();
    let len = bytes.len();
    let byte = prop_oneof![any::<u8>(), prop::sample::select(br#"{}[]",:\ 0-e.tnu"#.to_vec())];
    (Just(bytes), 0..len, byte, 0..3u8).prop_map(|(mut bytes, at, byte, how)| {
        match how {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            _ => drop(bytes.remove(at)),
        }
        bytes
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(line in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&line);
        let mut object = b"{\"a\":".to_vec();
        object.extend_from_slice(&line);
        let _ = parse(&object);
    }

    #[test]
    fn valid_objects_parse(line in object()) {
        prop_assert!(parse(line.as_bytes()).is_ok());
    }

    #[test]
    fn what_serde_json_refuses_is_refused(line in object().prop_flat_map(bend)) {
        // Read as Latin-1, bytes that are no UTF-8 are letters: our one tolerance.
        let text: String = line.iter().map(|&b| if b < 0x80 { b as char } else { 'x' }).collect();
        // A change may make a member into our tag, which has a rule of its own.
        prop_assume!(!text.contains("\"sladd\""));
        let theirs = text.trim_matches([' ', '\t', '\r', '\n']).starts_with('{') && serde_json::from_str::<IgnoredAny>(&text).is_ok();
        prop_assert_eq!(parse(&line).is_ok(), theirs);
    }

    #[test]
    fn values_stand_in_order_and_marks_are_balanced(line in object()) {
        let record = parse(line.as_bytes()).unwrap();
        let mut last = 0;
        for value in record.values.iter().filter(|v| v.state != State::Absent) {
            prop_assert!(value.span.start >= last && value.span.end as usize <= line.len());
            last = value.span.end;
        }
        let open = record.marks.iter().filter(|m| matches!(m, Mark::Object | Mark::Array)).count();
        prop_assert_eq!(open, record.marks.iter().filter(|m| **m == Mark::Close).count());
    }
}
