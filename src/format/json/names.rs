//! The names that JSON logs use for the fields we know.
//!
//! One row a field: its canonical name, its kind, then its aliases, blank-separated, spelled as the programs spell
//! them. A dot stands for a nesting or for itself. Spelling is compared without case, dots, dashes and underscores.

use crate::record::Kind;

/// One field and its aliases.
pub(super) struct Row {
    /// The canonical name.
    pub(super) name: &'static str,
    /// What sort of value it holds.
    pub(super) kind: Kind,
    /// Names that mean this field only at the top of a line: they are too common to mean it below an unknown key.
    pub(super) top: &'static str,
    /// Names that mean this field wherever they stand. The canonical name need not be repeated.
    pub(super) any: &'static str,
}

const fn row(name: &'static str, kind: Kind, top: &'static str, any: &'static str) -> Row {
    Row { name, kind, top, any }
}

/// Wrappers that mean nothing by themselves: what stands in them stands at the top.
pub(super) const TRANSPARENT: &str = "attributes resource resource.attributes scope.attributes fields labels nginx \
    nginx.access nginx.error apache apache.access apache2.access traefik.access access access_log accesslog jsonPayload structured \
    log event.data logevent caddy envoy stream";

/// The field of the host that the server was asked for.
pub(super) const SERVED_HOST: &str = "server.address";
/// The field of what headers say besides: a visitor may write any of them, whatever it is called.
pub(super) const VISITORS_HOST: &str = "http.request.header.x-forwarded-host";
/// The headers that hold the host that was asked for, as names are compared.
pub(super) const HOST_HEADERS: &[&[u8]] = &[b"host", b"authority"];

/// The fields, after the five that the parser itself needs (`super::OWN`).
pub(super) const FIELDS: &[Row] = &[
    // Requests. The first six are placed by index: see the constants in `super`.
    row(
        "http.request.method",
        Kind::Method,
        "method verb",
        "request_method RequestMethod request.method http.method http_method httpMethod httpRequest.requestMethod \
         httpRequest.method req.method ClientRequestMethod cs-method requestmethod http.request.method_original",
    ),
    row(
        "url.path",
        Kind::Path,
        "uri path target",
        "request_uri document_uri RequestPath request.uri request.path request.target request.url http.target http.path http.uri req.url \
         req.path req.originalUrl original_uri request_path requestURI ClientRequestURI ClientRequestPath cs-uri-stem cs-uri \
         upstream_uri x-envoy-original-path resourcePath httpRequest.uri http.request.path http.request.uri url.original url_path \
         uri_path nginx.uri http.route scriptName path_info request.url.path req.url.path",
    ),
    row(
        "url.query",
        Kind::Query,
        "args query",
        "query_string querystring request.querystring request.query request.args req.query cs-uri-query ClientRequestQuery \
         httpRequest.args http.query http.query_string url.querystring uri_query url_query request_query is_args.args \
         ServiceURL.RawQuery queryparams query_params",
    ),
    row(
        "network.protocol.version",
        Kind::Protocol,
        "protocol proto http_version",
        "server_protocol RequestProtocol request.proto request.protocol request.httpVersion http.version http.flavor http.protocol \
         httpRequest.protocol httpRequest.httpVersion ClientRequestProtocol cs-version cs-protocol-version cs-protocol req.httpVersion \
         network.protocol request_protocol protocol_version network.application network.protocol.name http.request.version",
    ),
    row(
        "http.request.line",
        Kind::Text,
        "request",
        "request_line requestline http.request.line request.line first_line raw_request",
    ),
    row(
        "url.full",
        Kind::Referer,
        "url",
        "http.url httpRequest.requestUrl request_url full_url http.request.url url.full request.full_url",
    ),
    // Who.
    row(
        "client.address",
        Kind::Address,
        "client remote ip peer from_ip src addr",
        "remote_addr remoteaddr realip_remote_addr remote_ip remote_address remote_host remotehost client_ip client_addr client_address \
         client.ip client.addr clienthost ClientAddr ClientHost clientIp c-ip client_real_ip source.ip source.address source_ip src_ip \
         sourceIp sourceIPs sourceIPAddress source_address ip_address ipaddress ip_addr ipaddr ipv4 ipv6 request.remote_ip request.client_ip \
         request.remote_addr request.ip request.client_addr req.ip req.remoteAddress req.remoteAddr req.connection.remoteAddress \
         httpRequest.remoteIp httpRequest.clientIp identity.sourceIp http.client_ip http.remote_addr http_remote_addr user_ip userip visitor_ip \
         visitorip real_ip realip x-real-ip true-client-ip cf-connecting-ip cf-connecting-ipv6 x-client-ip x-cluster-client-ip \
         fastly-client-ip x-envoy-external-address x-remote-ip x-remote-addr x-original-remote-addr x-appengine-user-ip x-azure-clientip \
         x-azure-socketip x-coming-from cdn-src-ip downstream_remote_address downstream_direct_remote_address network.client.ip client_host \
         peer_ip peer_addr peer_address caller_ip remote_ip_list nginx.access.remote_ip_list related.ip request_ip requester_ip host_addr login_ip last_ip \
         ip_client http.request.remote_ip proxy_protocol_addr EDNSClientSubnet src_addr",
    ),
    row(
        "client.port",
        Kind::Number,
        "",
        "remote_port ClientPort client_port source.port source_port src_port request.remote_port req.remotePort ClientSrcPort c-port \
         realip_remote_port network.peer.port net.peer.port proxy_protocol_port net.sock.peer.port client.port",
    ),
    row(
        "network.peer.address",
        Kind::Address,
        "",
        "net.peer.ip net.sock.peer.addr net.peer.name network.peer.ip downstream_peer_address socket.remoteAddress peer.ipv4 peer.ipv6 peer.address",
    ),
    row(
        "network.local.address",
        Kind::Address,
        "",
        "server_addr destination.ip destination.address destination_ip dest_ip server.ip server_ip s-ip local_addr local_address local_ip \
         net.host.ip net.sock.host.addr downstream_local_address upstream_local_address httpRequest.serverIp EdgeServerIP host.ip host_ip_address \
         proxy_protocol_server_addr observer.ip network.local.ip nat.ip source.nat.ip destination.nat.ip node_ip pod_ip podip host_ip dst_ip",
    ),
    row(
        "upstream.address",
        Kind::Address,
        "upstream backend",
        "upstream_addr ServiceAddr ServiceURL.Host BackendAddr backend_addr upstream_host upstream.addr upstream.ip upstream_ip OriginIP origin_ip \
         proxy_host dial traefik.access.backend_url upstream_remote_address backend_ip proxy_upstream",
    ),
    row("upstream.url", Kind::Referer, "", "ServiceURL BackendURL backend_url upstream_url"),
    row(
        "http.request.header.x-forwarded-for",
        Kind::Address,
        "xff",
        "x-forwarded-for x_forwarded_for forwarded_for xforwardedfor proxy_add_x_forwarded_for http_xff request.xff \
         x-original-forwarded-for x-forwarded http.request.xff",
    ),
    row(
        "user.name",
        Kind::User,
        "actor caller principal",
        "remote_user user username user_name user_id userid user.id user.email user.login user.username user.full_name user.mail user.uid user.sub \
         ClientUsername client_username client_user auth_user authuser http_user uid login login_name loginname email e-mail mail email_address \
         emailaddress mail_address recipient sender rcpt_to mail_from account account_name account_id accountid principal_id principalId \
         enduser.id usr usr.name usr.id usr.email full_name fullname first_name firstname last_name lastname surname \
         display_name displayname real_name nickname phone phone_number phonenumber msisdn tel telephone customer customer_id customerid \
         customer_email member_id memberid subscriber_id subscriber employee_id person_id personnummer fodselsnummer ssn national_id \
         authenticated_user authenticated_entity cs-username identity.user identity.caller identity.userArn remote_ident remote_logname ident \
         source.user.name client.user.name destination.user.name related.user actor.name actor.email actor.id userPrincipalName upn samaccountname \
         user.target.name user.effective.name sudo_user contact payer buyer owner_email created_by updated_by requested_by \
         traefik.access.user_identifier request.user_id x-remote-user x-forwarded-user x-forwarded-email x-auth-request-user x-auth-request-email \
         x-user x-user-id x-user-email x-authenticated-user remoteUser httpRequest.user impersonated_user impersonatedUser.username",
    ),
    row(
        "device.id",
        Kind::Identifier,
        "serial",
        "device_id deviceid device.id device_uuid device_identifier device_token gaid google_ad_id google_advertising_id googleadid idfa ios_idfa adid aaid idfv ios_idfv \
         android_id androidid advertising_id advertisingid advertiser_id ad_id rdid dpid oaid vaid ifa imei imei2 imsi meid iccid udid mac mac_address macaddress macaddr \
         client.mac source.mac destination.mac host.mac device_serial serial_number serialnumber serial_no hardware_id hardwareid hwid machine_id machineid \
         installation_id installationid install_id installid instance_uuid client_id clientid cid client.id visitor_id visitorid visitor distinct_id anonymous_id \
         anonymousid fingerprint device_fingerprint browser_fingerprint browser_id browserid uuid guid puid muid fpid app_instance_id firebase_id appsflyer_id \
         adjust_id amplitude_id mixpanel_id _ga _gid _fbp _fbc _gcl_au _uetvid _pk_id __utma __cfduid amp_device_id android.device.id x-device-id x-device-uuid x-uidh \
         x-acr x-up-subno x-udid x-client-id push_token fcm_token apns_token wifi_mac bssid bluetooth_mac eui64 duid user_agent.device.id tracking_id trackingid \
         uid_cookie uid_got uid_set ssl_client_fingerprint ja3 ja3_hash ja3n ja4 ja4h tls.client.ja3 tls.client.ja4 tls.client.hash.sha1 tls.client.hash.sha256",
    ),
    row(
        "session.id",
        Kind::Identifier,
        "session",
        "session_id sessionid session.id sid sess_id sessid PHPSESSID JSESSIONID ASP.NET_SessionId ASPSESSIONID sessionToken_id connect.sid laravel_session ci_session \
         user_session usersession session_key sessionkey session_uuid sess ssid wp_session cfid sessionIdentifier user.session.id rack.session ssl_session_id \
         tls.session_id x-session-id http_session_id amp_session_id ga_session_id gosessid mysid web_session login_session session_hash connection_id",
    ),
    row(
        "http.request.id",
        Kind::Identifier,
        "reqid",
        "request_id requestid req_id reqid req.id request.id x-request-id x-correlation-id correlation_id correlationid trace_id traceid trace.id span_id spanid span.id \
         transaction_id transaction.id cf-ray cf_ray RayID x-amzn-trace-id x-amz-cf-id x-b3-traceid x-b3-spanid traceparent x-edge-request-id auditID \
         x-trace-id x-cloud-trace-context extendedRequestId event.id unique_id uniqueid logging.googleapis.com/trace parent_span_id parentspanid trace",
    ),
    // Secrets.
    row(
        "http.request.header.authorization",
        Kind::Secret,
        "key auth",
        "authorization proxy-authorization http_authorization request_authorization password passwd passphrase pwd pass user_password new_password old_password \
         user.password secret client_secret secret_key token tokens access_token accesstoken refresh_token refreshtoken id_token idtoken auth_token authtoken \
         session_token sessiontoken bearer bearer_token jwt api_key apikey api-token x-api-key x-auth-token x-access-token x-csrf-token x-xsrf-token csrf \
         csrf_token csrftoken xsrf_token credentials credential private_key privatekey signature x-amz-security-token x-amz-signature otp pin cvv cvc \
         card_number cardnumber credit_card creditcard pan iban account_number remote_pass security_answer recovery_code one_time_code \
         authorization_code auth_header ssl_client_cert ssl_client_raw_cert ssl_client_escaped_cert ssl_client_s_dn ssl_client_s_dn_legacy ssl_client_i_dn \
         tls.client.certificate tls.client.certificate_chain tls.client.subject request.tls.client_common_name request.tls.client_serial ssl_client_serial \
         ssl_preread_secret x-goog-iap-jwt-assertion x-amzn-oidc-data x-amzn-oidc-accesstoken x-forwarded-client-cert x-ssl-client-cert x-vault-token \
         x-gitlab-token x-hub-signature php_auth_pw",
    ),
    row(
        "http.request.header.cookie",
        Kind::Cookie,
        "",
        "cookie cookies http_cookie request.cookies req.cookies request_cookie cs-cookie",
    ),
    row("http.request.cookie", Kind::Secret, "", ""),
    row(
        "http.request.body",
        Kind::Secret,
        "body form",
        "request_body requestbody request.body req.body http.request.body http.request.body.content http.response.body.content response_body response.body \
         post_data postdata form_data formdata request.form request.post post_body raw_body http.response.body resp_body res.body request.params req.params",
    ),
    row(
        "http.response.header.set-cookie",
        Kind::Cookie,
        "",
        "set-cookie set_cookie sent_http_set_cookie upstream_http_set_cookie response.cookies",
    ),
    // What came of it.
    row(
        "http.response.status_code",
        Kind::Status,
        "status code st",
        "status_code statuscode DownstreamStatus http.status_code http.status http.response.status http.response.code http_status httpstatus \
         http_status_code response.status response.status_code response.statusCode response_status response_code responseStatus.code res.statusCode res.status \
         resp_status httpRequest.status EdgeResponseStatus sc-status responseStatus http.response_code resp.status",
    ),
    row(
        "http.response.body.size",
        Kind::Number,
        "size bytes",
        "body_bytes_sent DownstreamContentSize http.response.body.bytes http.response.body.size http.response_content_length http.response_content_length_uncompressed response.body_size \
         response.size response_size responseSize httpRequest.responseSize response_length responseLength res.contentLength content_length \
         http.response.content_length EdgeResponseBodyBytes body_sent.bytes nginx.access.body_sent.bytes body_bytes resp_size response_body_size",
    ),
    row(
        "http.response.size",
        Kind::Number,
        "",
        "bytes_sent http.response.bytes EdgeResponseBytes sc-bytes bytes_out bytesout response_bytes destination.bytes tx_bytes bytesSent",
    ),
    row(
        "http.request.size",
        Kind::Number,
        "",
        "request_length bytes_read bytes_received RequestContentSize http.request.bytes http.request.body.bytes http.request.body.size http.request_content_length \
         request.size request_size requestSize httpRequest.requestSize cs-bytes ClientRequestBytes bytes_in bytesin source.bytes req.contentLength rx_bytes",
    ),
    row(
        "http.request.duration",
        Kind::Number,
        "duration latency elapsed took rt",
        "request_time request_duration response_time responseTime time_taken timetaken event.duration http.server.request.duration http.server.duration \
         http.request.duration httpRequest.latency duration_ms duration_s duration_us duration_ns durationms latency_ms latencyms elapsed_ms elapsed_time \
         elapsedtime process_time processing_time total_time request_processing_time time_ms latencies.request latencies.proxy latencies.kong responseLatency \
         EdgeTimeToFirstByteMs execution_time exec_time request_time_ms request_msec latency_human",
    ),
    row(
        "upstream.response.duration",
        Kind::Number,
        "",
        "upstream_response_time OriginDuration upstream.response_time upstream_service_time x-envoy-upstream-service-time backend_processing_time \
         upstream_duration upstream_time OriginResponseDurationMs upstream.duration",
    ),
    row("upstream.connect.duration", Kind::Number, "", "upstream_connect_time upstream.connect_time"),
    row("upstream.header.duration", Kind::Number, "", "upstream_header_time upstream.header_time"),
    row(
        "upstream.status",
        Kind::Status,
        "",
        "upstream_status OriginStatus upstream.status OriginResponseStatus backend_status_code upstream_status_code",
    ),
    row(
        "upstream.response.size",
        Kind::Number,
        "",
        "upstream_response_length upstream_bytes_received OriginContentSize OriginResponseBytes upstream.response_length",
    ),
    row("upstream.request.size", Kind::Number, "", "upstream_bytes_sent"),
    row(
        "upstream.cache.status",
        Kind::Word,
        "",
        "upstream_cache_status CacheCacheStatus cache_status CacheStatus x-cache x-cache-status cf-cache-status httpRequest.cacheHit",
    ),
    row(
        "upstream.name",
        Kind::Text,
        "",
        "upstream_name proxy_upstream_name upstream_cluster backend_name traefik.access.backend_name proxy_alternative_upstream_name",
    ),
    // When.
    row(
        "timestamp",
        Kind::Instant,
        "time ts date datetime t start end started start_time end_time started_at",
        "time_local time_iso8601 msec @timestamp timestamp StartUTC StartLocal time_unix timeUnixNano observedTimeUnixNano observed_timestamp event.created event.start \
         event.end event.ingested event_time eventtime log_time logtime local_time localtime timelocal time_utc utc_time request_timestamp requestTime \
         receive_timestamp receivedat requestReceivedTimestamp stageTimestamp EdgeStartTimestamp EdgeEndTimestamp asctime timestamp_ms timestamp_ns \
         time_msec date_time iso8601 created_at createdat ingestion_time __realtime_timestamp requestTimeEpoch",
    ),
    row(
        "tls.protocol.version",
        Kind::Word,
        "",
        "ssl_protocol TLSVersion tls.version tls_version tls.version_protocol request.tls.version ssl_version ClientSSLProtocol tls.protocol ssl-protocol ssl.protocol",
    ),
    row(
        "tls.cipher",
        Kind::Word,
        "",
        "ssl_cipher TLSCipher tls_cipher tls.cipher_suite request.tls.cipher_suite ClientSSLCipher ssl-cipher ssl.cipher cipher",
    ),
    row("tls.resumed", Kind::Word, "", "request.tls.resumed ssl_session_reused tls.session_reused"),
    row(
        "tls.application_protocol",
        Kind::Word,
        "",
        "request.tls.proto tls.next_protocol ssl_alpn_protocol request.tls.alpn tls.alpn",
    ),
    // Where.
    row(
        SERVED_HOST,
        Kind::Host,
        "host vhost domain authority site server",
        "http_host server_name servername RequestHost RequestAddr request.host request.hostname request.server_name request.authority http.host http.server_name net.host.name \
         url.domain url.host destination.domain virtual_host virtualhost http.request.host req.host req.hostname request_host ClientRequestHost cs-host x-host-header \
         domain_name domainname ZoneName http.request.header.host server.domain traefik.access.frontend_name :authority",
    ),
    // What a visitor may say of the host beside the `Host` by which the server chose.
    row(VISITORS_HOST, Kind::Host, "", "x-forwarded-host x-forwarded-server x-original-host"),
    row(
        "tls.client.server_name",
        Kind::Host,
        "",
        "request.tls.server_name ssl_server_name ssl_preread_server_name requested_server_name",
    ),
    row(
        "server.port",
        Kind::Number,
        "port",
        "server_port RequestPort destination.port net.host.port request.port url.port http_port x-forwarded-port s-port proxy_port EdgeServerPort",
    ),
    row(
        "url.scheme",
        Kind::Word,
        "scheme",
        "RequestScheme request_scheme request.scheme http.scheme http_scheme x-forwarded-proto x_forwarded_proto x-forwarded-protocol x-forwarded-scheme x-url-scheme \
         ClientRequestScheme req.scheme req.protocol https x-forwarded-ssl",
    ),
    row(
        "host.name",
        Kind::Host,
        "hostname machine",
        "host_name host.hostname agent.hostname agent.name node_name nodename nodeid computer_name observer.name observer.hostname _hostname host.fqdn k8s.node.name kubernetes.host kubernetes.node.name",
    ),
    row("host.id", Kind::Identifier, "", "host.id agent.id agent.ephemeral_id host.boot.id _machine_id _boot_id"),
    row(
        "process.pid",
        Kind::Number,
        "pid",
        "process.pid process_id processid process.thread.id thread_id tid worker_pid",
    ),
    row("process.name", Kind::Word, "", "process.name program progname syslog_identifier process.executable.name"),
    row(
        "service.name",
        Kind::Text,
        "service app application",
        "service.name service_name servicename ServiceName RouterName router_name app_name appname application_name entryPointName route_name FrontendName frontend_name",
    ),
    row("service.version", Kind::Text, "", "service.version app_version appversion application_version"),
    row("deployment.environment.name", Kind::Text, "env environment", "deployment.environment service.environment"),
    // What the client says of itself.
    row(
        "user_agent.original",
        Kind::Agent,
        "agent ua browser",
        "user-agent http_user_agent httpuseragent useragent useragent_string request_user_agent user_agent.original user_agent_original http.user_agent http.useragent \
         httpRequest.userAgent request.user_agent req.userAgent ClientRequestUserAgent cs-user-agent identity.userAgent browser_agent x-original-user-agent \
         x-device-user-agent x-operamini-phone-ua http.request.user_agent client_user_agent requestUserAgent",
    ),
    row("user_agent.name", Kind::Word, "", "user_agent.name user_agent.browser.name browser.name browser_name"),
    row("user_agent.os.name", Kind::Word, "", "user_agent.os.name os.name os_name user_agent.os.full"),
    row(
        "user_agent.device.name",
        Kind::Text,
        "",
        "user_agent.device.name device.name device.model device_model device.model.name device.model.identifier device_name ClientDeviceType",
    ),
    row(
        "http.request.header.referer",
        Kind::Referer,
        "ref",
        "referer referrer http_referer http_referrer http.referer http.referrer http.request.referrer http.request.referer request.referer request.referrer request_referer \
         request_referrer req.referer req.referrer httpRequest.referer ClientRequestReferer cs-referer httpreferer document_referrer page_referrer",
    ),
    row(
        "http.request.header.accept-language",
        Kind::Language,
        "lang language locale",
        "accept-language http_accept_language accept_language acceptlanguage browser_language user_language",
    ),
    row(
        "client.geo.country_iso_code",
        Kind::Word,
        "country",
        "geoip_country_code geoip2_country_code geoip.country_code geoip.country_iso_code country_code countrycode country_iso_code source.geo.country_iso_code client.geo.country_iso_code geo.country_iso_code ClientCountry cf-ipcountry x-country-code httpRequest.country geoip2_data_country_code geoip_country_code3",
    ),
    row(
        "client.geo.country_name",
        Kind::Text,
        "",
        "geoip_country_name geoip.country_name source.geo.country_name geo.country_name country_name",
    ),
    row(
        "client.geo.locality",
        Kind::Text,
        "",
        "geoip_city geoip2_city geoip.city_name source.geo.city_name geo.city_name city city_name geoip2_data_city_name ClientCity",
    ),
    row(
        "client.as.number",
        Kind::Number,
        "asn",
        "source.as.number client.as.number ClientASN as.number geoip2_asn geoip_asn",
    ),
    row(
        "client.geo.location",
        Kind::Secret,
        "",
        "latitude longitude lat lon lng geo.location source.geo.location client.geo.location geoip.location geoip_latitude geoip_longitude geoip2_latitude geoip2_longitude geo_location coordinates postal_code postalcode zipcode street street_address home_address date_of_birth birth_date birthdate dob",
    ),
    // What a program says.
    row(
        "message",
        Kind::Text,
        "msg text log error err short_message full_message",
        "message log.message error.message error_message errormessage err.message exception.message textPayload event.original log.original \
         logRecords.body logRecords.body.stringValue streams.values exception.stacktrace error.stack_trace err.stack stack stack_trace stacktrace traceback error.stack exception.stack_trace reason warning",
    ),
    row(
        "log.level",
        Kind::Word,
        "level lvl severity priority levelname",
        "log.level log_level loglevel severity_text severitytext severity_number severitynumber syslog.severity.name log.syslog.severity.name error_level",
    ),
    row("log.syslog.priority", Kind::Number, "", "syslog.priority"),
    row("log.iostream", Kind::Word, "stream", "log.iostream"),
    row("log.logger", Kind::Text, "logger module", "log.logger logger_name loggername logger.name log.name"),
    row(
        "event.name",
        Kind::Text,
        "",
        "event.name event.action event.dataset event.module event.category event.kind event.outcome event.type event_name event_type eventname",
    ),
    row("connection.serial", Kind::Number, "connection", "connection_serial connection_number"),
    row("connection.requests", Kind::Number, "", "connection_requests RequestCount traefik.access.request_count"),
    row("request.retries", Kind::Number, "", "RetryAttempts retry_attempts attempts retries"),
    row("request.overhead", Kind::Number, "", "Overhead"),
    row("compression.ratio", Kind::Number, "", "gzip_ratio GzipRatio compression_ratio"),
    row("nginx.pipe", Kind::Word, "pipe", ""),
    row("envoy.response_flags", Kind::Word, "", "response_flags response_code_details"),
];

/// Request headers that have no row above, under their own names `http.request.header.<name>`.
pub(super) const REQUEST_HEADERS: &[(&str, Kind)] = &[
    ("accept", Kind::Text),
    ("accept-encoding", Kind::Text),
    ("accept-charset", Kind::Text),
    ("cache-control", Kind::Text),
    ("connection", Kind::Text),
    ("content-encoding", Kind::Word),
    ("content-length", Kind::Number),
    ("content-type", Kind::Text),
    ("dnt", Kind::Number),
    ("expect", Kind::Text),
    ("forwarded", Kind::Text),
    ("from", Kind::User),
    ("if-modified-since", Kind::Text),
    ("if-none-match", Kind::Secret),
    ("keep-alive", Kind::Text),
    ("origin", Kind::Referer),
    ("pragma", Kind::Text),
    ("priority", Kind::Text),
    ("purpose", Kind::Text),
    ("range", Kind::Text),
    ("save-data", Kind::Word),
    ("sec-ch-ua", Kind::Text),
    ("sec-ch-ua-mobile", Kind::Text),
    ("sec-ch-ua-platform", Kind::Text),
    ("sec-fetch-dest", Kind::Word),
    ("sec-fetch-mode", Kind::Word),
    ("sec-fetch-site", Kind::Word),
    ("sec-fetch-user", Kind::Text),
    ("sec-gpc", Kind::Number),
    ("te", Kind::Text),
    ("transfer-encoding", Kind::Text),
    ("upgrade", Kind::Word),
    ("upgrade-insecure-requests", Kind::Number),
    ("via", Kind::Text),
    ("x-requested-with", Kind::Text),
];

/// Response headers that have no row above, under their own names `http.response.header.<name>`.
pub(super) const RESPONSE_HEADERS: &[(&str, Kind)] = &[
    ("accept-ranges", Kind::Word),
    ("age", Kind::Number),
    ("allow", Kind::Text),
    ("alt-svc", Kind::Text),
    ("cache-control", Kind::Text),
    ("connection", Kind::Text),
    ("content-disposition", Kind::Secret),
    ("content-encoding", Kind::Word),
    ("content-language", Kind::Language),
    ("content-length", Kind::Number),
    ("content-security-policy", Kind::Text),
    ("content-type", Kind::Text),
    ("date", Kind::Text),
    ("etag", Kind::Secret),
    ("expires", Kind::Text),
    ("last-modified", Kind::Text),
    ("location", Kind::Referer),
    ("pragma", Kind::Text),
    ("referrer-policy", Kind::Text),
    ("retry-after", Kind::Number),
    ("server", Kind::Text),
    ("status", Kind::Status),
    ("strict-transport-security", Kind::Text),
    ("transfer-encoding", Kind::Text),
    ("vary", Kind::Text),
    ("via", Kind::Text),
    ("www-authenticate", Kind::Text),
    ("x-content-type-options", Kind::Text),
    ("x-frame-options", Kind::Text),
    ("x-powered-by", Kind::Text),
];

/// Rows above that are request headers, and how the header is named: they stand under every request prefix.
pub(super) const REQUEST_ROWS: &[(&str, &str)] = &[
    ("http.request.header.accept-language", "accept-language"),
    ("http.request.header.authorization", "authorization proxy-authorization x-api-key x-auth-token x-csrf-token"),
    ("http.request.header.cookie", "cookie"),
    ("http.request.header.referer", "referer referrer"),
    ("http.request.header.x-forwarded-for", "x-forwarded-for x-original-forwarded-for"),
    ("client.address", "x-real-ip true-client-ip cf-connecting-ip x-client-ip x-cluster-client-ip fastly-client-ip"),
    ("device.id", "x-device-id x-client-id"),
    ("http.request.id", "x-request-id x-correlation-id traceparent cf-ray"),
    (SERVED_HOST, "host"),
    (VISITORS_HOST, "x-forwarded-host x-forwarded-server x-original-host"),
    ("server.port", "x-forwarded-port"),
    ("session.id", "x-session-id"),
    ("url.scheme", "x-forwarded-proto"),
    ("user.name", "x-forwarded-user x-remote-user"),
    ("user_agent.original", "user-agent"),
];

/// Rows above that are response headers.
pub(super) const RESPONSE_ROWS: &[(&str, &str)] = &[
    ("http.response.header.set-cookie", "set-cookie"),
    ("http.request.id", "x-request-id"),
    ("upstream.cache.status", "x-cache x-cache-status"),
];

/// Where request headers stand. The last two are joined by what stands before the header: nginx's `http_user_agent`,
/// Traefik's `request_User-Agent`.
pub(super) const REQUEST_PREFIXES: &[&str] = &[
    "request.headers",
    "request.header",
    "http.request.headers",
    "http.request.header",
    "http.headers",
    "req.headers",
    "httpRequest.headers",
    "headers",
    "header",
    "http",
    "request",
    "cs",
];

/// Where response headers stand.
pub(super) const RESPONSE_PREFIXES: &[&str] = &[
    "resp_headers",
    "response.headers",
    "response.header",
    "http.response.headers",
    "http.response.header",
    "res.headers",
    "sent_http",
    "upstream_http",
    "origin",
    "downstream",
];
