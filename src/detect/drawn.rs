//! Whether a long run looks drawn rather than written, judged as a whole: by the pairs of letters in it and by how the
//! classes of neighbours change. One reading, no memory.
//!
//! Words of any language that is written in these letters use few of the 676 pairs for most of their text (a quarter of
//! the pairs makes three quarters of it), and names in `camelCase` change from small to capital once in a word.

/// How much is read of a run: what is as long as this has shown how it looks.
const REACH: usize = 256;

/// How the characters of a run speak against its being written.
#[derive(Debug, Default)]
pub(super) struct Look {
    score: i32,
    length: i32,
    separators: i32,
    digits: i32,
    upper: i32,
    lower: i32,
}

impl Look {
    /// Reads a run of `0-9A-Za-z_+-`.
    pub(super) fn read(run: &[u8]) -> Look {
        let run = &run[..run.len().min(REACH)];
        let mut look = Look { length: run.len() as i32, ..Look::default() };
        let (mut before, mut last, mut same) = (Class::None, 0u8, 0);
        for &byte in run {
            let class = Class::of(byte);
            let pair = PAIRS[(last & 31) as usize][(byte & 31) as usize];
            match class {
                Class::None => look.separators += 1,
                Class::Digit => look.digits += 1,
                Class::Upper => look.upper += 1,
                Class::Lower => look.lower += 1,
            }
            look.score += i32::from(match (before, class) {
                (Class::None, _) | (_, Class::None) | (Class::Digit, Class::Digit) => 0,
                (Class::Digit, _) | (_, Class::Digit) => 3,
                (Class::Upper, Class::Upper) | (Class::Lower, Class::Lower) => pair,
                // `Word`, or the `Lh` of `XMLHttp`.
                (Class::Upper, Class::Lower) => {
                    if same == 1 {
                        pair
                    } else {
                        2
                    }
                }
                (Class::Lower, Class::Upper) => {
                    if same < 3 {
                        4
                    } else {
                        1
                    }
                }
            });
            same = if class == before { same + 1 } else { 1 };
            (before, last) = (class, byte);
        }
        look
    }

    /// Whether a machine drew it, whatever stands around it. Small letters alone are a word of some language; with
    /// separators only base64 is judged so, which has letters of both cases, and few of them.
    pub(super) fn is_drawn(&self) -> bool {
        let whole = self.separators == 0 || self.upper > 2 && self.lower > 2 && self.separators * 6 <= self.length;
        whole && self.is_no_plain_word() && self.score * 10 >= self.length * 7
    }

    /// Whether a short one is drawn, whatever stands around it: letters and digits mixed throughout, no word among them.
    pub(super) fn is_surely_drawn(&self) -> bool {
        let letters = self.upper + self.lower;
        self.separators == 0 && self.digits > 2 && letters > 4 && self.score * 10 >= self.length * 15
    }

    /// Whether it may be drawn: enough where the words around it promise a secret.
    pub(super) fn may_be_drawn(&self) -> bool {
        self.is_no_plain_word() && self.score * 10 >= self.length
    }

    fn is_no_plain_word(&self) -> bool {
        self.digits > 0 || self.upper > 0 && self.lower > 0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    None,
    Digit,
    Upper,
    Lower,
}

impl Class {
    fn of(byte: u8) -> Class {
        match byte {
            b'0'..=b'9' => Class::Digit,
            b'A'..=b'Z' => Class::Upper,
            b'a'..=b'z' => Class::Lower,
            _ => Class::None,
        }
    }
}

/// What a pair of letters says: from -2, which words use all the time, to 4, which hardly any does.
const PAIRS: [[i8; 32]; 32] = {
    let mut table = [[0; 32]; 32];
    let mut first = 0;
    while first < 26 {
        let mut second = 0;
        while second < 26 {
            table[first + 1][second + 1] = ((SELDOM[first][second] - b'0') as i8) * 2 - 2;
            second += 1;
        }
        first += 1;
    }
    table
};

/// How seldom each letter follows each: counted in 170 000 names of programs, files and functions, where 0 is more often
/// than 1.3 times in 676 pairs, 1 than 0.5, 2 than 0.15. The alphabet's own order counts as often.
const SELDOM: [&[u8; 26]; 26] = [
    b"20002102031000203000012212",
    b"02020233023023023112133323",
    b"02100230130022013010123323",
    b"01110122022112023002122323",
    b"01000012132000102000101013",
    b"03221003033123023122133323",
    b"12220220133221123012133323",
    b"03220333033223023121132323",
    b"01000003202000003000203231",
    b"23332333230333233313233333",
    b"12220323133022233212233333",
    b"02110223032002013200123313",
    b"01220223033110003212133323",
    b"02000002031121013200113323",
    b"11002112121000003000010223",
    b"02110221032022000010132313",
    b"33333333333233333033133333",
    b"02000213031101013100112203",
    b"02010220031112002100022313",
    b"02010120032112013000021203",
    b"11111223133010213000303333",
    b"03230333033323233323330333",
    b"13331332133332123213333033",
    b"23232233233333323321333303",
    b"22222233233221213211233330",
    b"23331333233333233333333333",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{
        super::{Detector, Kinds, Place},
        *,
    };

    #[test]
    fn names_that_people_write_are_not_taken_for_drawn() {
        assert!(HARMLESS.split_whitespace().count() >= 150);
        let mut detector = Detector::default();
        for name in HARMLESS.split_whitespace() {
            assert!(!Look::read(name.as_bytes()).is_drawn(), "{name}");
            for text in [format!("/no/{name}/x"), format!("see {name} now")] {
                assert_eq!(detector.find(text.as_bytes(), Kinds::TOKEN, Place::Text).len(), 0, "{text}");
            }
        }
    }

    #[test]
    fn what_is_drawn_is_told_by_the_whole_run() {
        for run in [
            "FtQjaLm-XSHxqnovyBuF_Q",
            "PutQdmRsJqaYihQLa_UgiM2d5cQ",
            "huRVhiA_Or1GfvoSpxwewg",
            "vejneksppkisq0gbtnpo194tmj",
        ] {
            assert!(Look::read(run.as_bytes()).is_drawn(), "{run}");
        }
        assert!(!Look::read(b"").may_be_drawn());
        assert!(!Look::read(&[b'-'; 1000]).is_drawn());
        assert!(Look::read(&b"xQ7".repeat(10_000)).is_drawn());
    }

    /// Slugs of several languages, names in code, of packages, machines, files and products.
    const HARMLESS: &str = "
        how-to-install-nginx-on-debian-12-bookworm hvordan-sette-opp-vpn-paa-windows-11
        slik-bytter-du-bank-i-2024-uten-gebyr de-beste-hoyttalerne-under-5000-kroner
        naa-kan-du-soke-om-barnehageplass-2025
        statsbudsjettet-2025-dette-er-de-viktigste-sakene wie-man-einen-server-mit-ubuntu-22-04-einrichtet
        die-besten-laptops-unter-1000-euro-2024 straßenverkehrsordnung-aenderungen-2023
        krankenversicherungsbeitraege-2025-rechner
        hur-man-installerar-python-3-pa-windows nain-asennat-linuxin-vuonna-2024-helposti
        ylivoimaisesti-parhaat-kuulokkeet-2023 sadan-skifter-du-daek-paa-30-minutter
        comment-installer-docker-sur-debian-12
        les-10-meilleurs-restaurants-de-paris como-instalar-wordpress-en-ubuntu-20-04
        jak-zainstalowac-nginx-na-debianie-12 hoe-installeer-je-home-assistant-op-raspberry-pi-4
        come-configurare-un-server-vpn-nel-2024
        getElementsByClassName2 addEventListenerOnce3 XMLHttpRequestEventTarget HTMLCanvasElementPrototype
        SVGAnimatedPreserveAspectRatio
        AbstractSingletonProxyFactoryBean SimpleBeanFactoryAwareAspectInstanceFactory
        InternalFrameInternalFrameTitlePaneInternalFrameTitlePaneMaximizeButtonWindowNotFocusedState
        BeanDefinitionStoreException HibernateJpaAutoConfiguration
        NoSuchBeanDefinitionException IllegalArgumentException RequestMappingHandlerAdapter
        Http2ConnectionHandlerBuilder OAuth2AuthorizedClientService
        Saml2AuthenticationTokenConverter JwtGrantedAuthoritiesConverter UsernamePasswordAuthenticationToken
        MappingJackson2HttpMessageConverter Base64UrlSafeEncoderDecoder
        EC2InstanceMetadataServiceV2 S3BucketReplicationConfiguration Utf8JsonStreamParserFactory
        Log4j2LoggingSystemInitializer Slf4jMessageFormatterImpl
        Ipv6AddressPrefixLengthValidator Sha256WithRsaEncryption TlsEcdheRsaWithAes128GcmSha256
        iPhone14ProMaxCase2024Edition GalaxyS23UltraWallpaper4K
        MAX_CONNECTIONS_PER_HOST_V2 SSL_CERTIFICATE_VERIFY_FAILED ERR_SSL_VERSION_OR_CIPHER_MISMATCH
        TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 TLS_AES_128_GCM_SHA256
        POSTGRES_MULTIPLE_DATABASES HTTP_X_FORWARDED_PROTO_HTTPS NEXT_PUBLIC_API_BASE_URL_2
        ECONNREFUSED_RETRY_LIMIT_EXCEEDED AWS_LAMBDA_FUNCTION_MEMORY_SIZE
        DXGI_FORMAT_R32G32B32A32_FLOAT VK_FORMAT_R8G8B8A8_SRGB
        GL_COMPRESSED_RGBA_S3TC_DXT5_EXT MEDIA_BUS_FMT_UYVY8_2X8
        jquery-ui-1-12-1-custom-min bootstrap-5-3-2-dist-bundle fontawesome-free-6-4-0-web react-dom-production-min-18
        vendors-node_modules-lodash
        chunk-vendors-common-legacy static_js_bundle_main_chunk polyfills-es2015-legacy runtime-es2017-modern
        styles-responsive-768px
        elementor-frontend-min-js-v3 woocommerce-smallscreen-css-8 wp-block-library-theme-inline
        contact-form-7-recaptcha-v3 google-site-kit-analytics4
        swiper-bundle-min-v8-4-5 moment-timezone-with-data-10-year-range highlightjs-line-numbers
        tailwindcss-typography-v0-5 OpenSans-SemiBoldItalic-webfont
        Roboto-CondensedLightItalic-v30 SourceSansPro-ExtraLightItalic NotoSansCJKjp-Regular-v2
        fa-solid-900-woff2-fallback glyphicons-halflings-regular
        com_google_android_gms_auth_api org_springframework_boot_autoconfigure no_nav_foreldrepenger_vedtak
        com_fasterxml_jackson_core_databind io_netty_handler_codec_http2
        python3-distutils-extra-2 libssl1-1-amd64-dev linux-image-6-1-0-13-amd64 libboost-filesystem1-74-0
        golang-github-spf13-cobra-dev
        libgstreamer-plugins-base1-0-0 x86_64-unknown-linux-gnu aarch64-apple-darwin22-6-0 i686-pc-windows-msvc-vc143
        armv7-unknown-linux-gnueabihf
        kubernetes-dashboard-api-v1beta1 prometheus-node-exporter-1-5 kube-controller-manager-k8s-master01
        ingress-nginx-controller-admission cert-manager-webhook-v1-13
        web-frontend-prod-eu-north-1a db-replica-02-osl-datacenter2 mail-relay-outbound-tls-03
        srv-app-node12-rack04-slot11 esxi-host-17-vlan-2043
        image-1920x1080-landscape-scaled IMG_20231224_180542_HDR_copy DSC_0042-bearbeitet-1024x683
        WhatsApp-Image-2024-01-15-at-14-22-10 Screenshot_2024-03-11-09-41-22
        Arsrapport-2023-Kommunestyret-endelig Jahresabschluss_2022_Konzern_final_v3
        Vedlegg_4_Reguleringsbestemmelser_2024 Styreprotokoll-2024-03-signert Brukerveiledning_versjon_2_1_norsk
        WordprocessingMLTemplateMain spreadsheetml-sheet-macroEnabled-12 presentationml-slideshow-main
        vnd-openxmlformats-officedocument application-vnd-ms-excel-12
        MozillaFirefoxESR102Updater AppleWebKitNightlyBuild605 SamsungBrowserCrossApp4TV DuckDuckGoFaviconsBot
        Googlebot-Image-Extended2
        PlayStationVitaBrowser BlackBerry9700SmartPhone NokiaLumia950XLDualSim HuaweiMediaPadT5Lite10
        SonyXperiaZ5Compact
        HP-LaserJet-Pro-MFP-M428fdw Canon-EOS-R6-Mark-II-Body Samsung-QE55QN95BATXXC-TV Bosch-WAU28PI0SN-vaskemaskin
        LG-OLED65C34LA-65-tommer
        Lenovo-ThinkPad-X1-Carbon-Gen11 Dell-UltraSharp-U2723QE-27 Garmin-Fenix-7X-Sapphire-Solar
        Makita-DHP486RTJ-slagdrill-18V Electrolux-EW8F5486P4-8kg
        WirtschaftsPruefungsGesellschaft BundesDatenschutzGesetzNeu2018 ArbeidsgiverAvgiftSone1a
        FylkesmannenITroendelag MenneskerettighetsDomstolen
        kundeservice_apningstider_jul2023 barnehageplass_soknadsskjema_v2 sykepengesoknad-backend-v2-prod
        arbeidsgiver-notifikasjon-produsent-api foreldrepengesoknad-api-q1
        findAllByUserIdAndStatusIn calculateVatForInvoice2024 getServerSidePropsWithAuth onClickOutsideHandlerRef
        useIsomorphicLayoutEffect
        convertUtf16ToUtf8Buffer parseIso8601DateTimeString isRfc3339TimestampWithZone toBase64UrlSafeString
        decodeH264VideoFrame
        enableWebGL2RenderingContext createRGBA8TextureFromBitmap CFBundleShortVersionString
        NSURLSessionDataTaskDelegate UICollectionViewFlowLayout
        WM_MOUSEWHEEL_HORIZONTAL ID3D11DeviceContext1State IDirectDrawSurface7Wrapper MicrosoftNETFrameworkv472
        VCRedistributable2015x64
        skuespillerinne-vant-amanda-pris naturvernforbundet-hordaland-2 kjoreplan-buss-37-nydalen-helsfyr
        vaermelding-langtidsvarsel-14-dager toppidrettsgymnaset-vg3-2024
    ";
}
