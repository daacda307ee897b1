use proptest::prelude::*;

use super::*;

fn clean(html: &str) -> String {
    sanitise("body", html).expect("not too long")
}

#[test]
fn what_a_story_needs_is_kept() {
    for same in [
        "<p>One <strong>two</strong> <em>three</em> <b>b</b><i>i</i> <code>c</code></p>",
        "<ul><li>a</li><li>b</li></ul><ol><li>c</li></ol>",
        "<blockquote><p>Said.</p></blockquote><h2>A</h2><h3>B</h3><h4>C</h4>",
        "a<br>b &amp; c &lt;d&gt; “e” ґ 漢",
        "<p><a href=\"https://example.org/?a=1&amp;b=2#c\" rel=\"noopener nofollow\">x</a></p>",
        "<a href=\"mailto:desk@example.org\" rel=\"noopener nofollow\">x</a>",
    ] {
        assert_eq!(clean(same), same);
    }
}

#[test]
fn blocks_outside_the_list_become_paragraphs_and_words_stay_apart() {
    assert_eq!(clean("<div>a</div><div>b <span>c</span></div>"), "<p>a</p><p>b c</p>");
    assert_eq!(clean("<section><h1>a</h1><div><p>b</p></div></section>"), "<h2>a</h2><p>b</p>");
    assert_eq!(clean("<table><tr><td>a</td><td>b</td></tr></table>"), "<p>a</p><p>b</p>");
    assert_eq!(clean("<figure><img src=x.png alt=z><figcaption>c</figcaption></figure>"), "<p>c</p>");
    assert_eq!(clean("<p>the text says &lt;div&gt; and div</p>"), "<p>the text says &lt;div&gt; and div</p>");
}

#[test]
fn script_tricks_are_gone() {
    for trick in [
        "<script>alert(1)</script>",
        "<ScRiPt src=//evil.example>x</sCrIpT >",
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        "<img src=x onerror=alert(1)>",
        "<p onclick='alert(1)' ONMOUSEOVER=alert(1)>x</p>",
        "<a href=javascript:alert(1)>x</a>",
        "<a href='JaVaScRiPt:alert(1)'>x</a>",
        "<a href='java\tscript:alert(1)'>x</a>",
        "<a href='java&#10;script:alert(1)'>x</a>",
        "<a href='&#106;&#x61;vascript&colon;alert(1)'>x</a>",
        "<a href=' &#1; javascript:alert(1)'>x</a>",
        "<a href='data:text/html;base64,PHNjcmlwdD4='>x</a>",
        "<a href='vbscript:x'>x</a>",
        "<a href='//evil.example/javascript:'>x</a>",
        "<a href=\"https://x/\" style=\"background:url(javascript:alert(1))\" target=_blank>x</a>",
        "<svg onload=alert(1)><script>alert(1)</script><a xlink:href=javascript:alert(1)>x</a></svg>",
        "<svg><animate attributeName=href values=javascript:alert(1) /></svg>",
        "<style>*{background:url(javascript:alert(1))}</style>",
        "<iframe src=javascript:alert(1) srcdoc='<script>alert(1)</script>'></iframe>",
        "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\"></noscript>",
        "<form><math><mtext></form><form><mglyph><svg><mtext><style><path id=</style><img onerror=alert(1) src>",
        "<base href=javascript:alert(1)//><meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
        "<object data=javascript:alert(1)><embed src=javascript:alert(1)><applet code=x>",
        "<template><script>alert(1)</script></template><textarea><script>alert(1)</script>",
        "<b <script>alert(1)</script>",
        "<p>unclosed <a href=\"javascript:alert(1)//\"><b",
        "<xmp><script>alert(1)</script></xmp><plaintext><img src=x onerror=alert(1)>",
        "<!--><script>alert(1)</script>--><![CDATA[<script>alert(1)</script>]]>",
        "<a href='mailto:<script>alert(1)</script>'>x</a>",
        "<button formaction=javascript:alert(1)>x<input autofocus onfocus=alert(1)>",
        "<select><template><style><!--</style><a rel=\"--></style></template></select><img onerror=alert(1)>\">",
        "<p id=x name=y class=z data-a=b is=c slot=d xmlns=e>x</p>",
    ] {
        let kept = clean(trick);
        for (tag, _) in tags(&kept) {
            let plain = ALLOWED.contains(&tag.trim_start_matches('/'));
            let link = tag.strip_prefix("a ").is_some_and(|rest| {
                rest == "rel=\"noopener nofollow\""
                    || ["https://", "http://", "mailto:"]
                        .iter()
                        .any(|scheme| rest.starts_with(&format!("href=\"{scheme}")))
                        && rest.ends_with("\" rel=\"noopener nofollow\"")
                        && rest.matches('"').count() == 4
            });
            assert!(plain || link, "{trick:?} left <{tag}> in {kept:?}");
        }
    }
}

#[test]
fn a_body_is_bounded_as_sent_and_as_kept() {
    let link = |length: usize| format!("<a href=\"https://example.org/{}\">x</a>", "a".repeat(length - 20));
    for (fits, over, sent) in [
        ("a".repeat(20_000), "a".repeat(20_001), "20001 characters"),
        (format!("a{}", "\n".repeat(99_999)), format!("a{}", "\n".repeat(100_000)), "100001 characters as sent"),
        ("<br>".repeat(4_000), "<br>".repeat(4_001), "4001 tags"),
        ("<b id=x>a</b>".repeat(32), "<b id=x>a</b>".repeat(33), "33 formatting tags with attributes"),
        (link(2_048), link(2_049), "2049 characters in a link"),
    ] {
        assert!(sanitise("body", &fits).is_ok(), "{sent}");
        let refusal = sanitise("body", &over).expect_err("one over");
        assert_eq!((refusal.code, refusal.sent.as_deref()), (Code::TooLong, Some(sent)));
    }
}

/// Markup that a parser repeats in every later paragraph is bounded before it is parsed.
#[test]
fn unclosed_markup_cannot_be_multiplied() {
    let opened: String = (0..32).map(|n| format!("<b x{n}>")).collect();
    let unclosed = format!("<p>{opened}</p>{}", "<p>x</p>".repeat(1_900));
    assert_eq!(sanitise("body", &unclosed).map(|kept| kept.len()).expect_err("it grows").code, Code::TooLong);
    let deep = "<blockquote>".repeat(3_000);
    assert!(sanitise("body", &deep).is_err());
}

#[test]
fn plain_text_is_what_is_read() {
    let html = clean("<h2>A</h2>\n<p>b &amp; &lt;c&gt; &amp;lt;<br>d</p><ul><li>e</li><li><b>f</b>g</li></ul>");
    assert_eq!(plain(&html), "A\nb & <c> &lt;\nd\ne\nfg");
    assert_eq!((plain(""), plain("just text")), (String::new(), "just text".to_owned()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn sanitising_twice_changes_nothing(
        html in "(</?(p|a href='?(https?:|javascript:|/)?[a-z<>&]{0,3}|b|i x|div|table|tr|td|li|ul|svg|math|mtext|style|select|form|pre|h1|plaintext|template|!--)/?>|[a-z<>&;\"' \n=-]{0,4}){0,24}",
    ) {
        if let Ok(once) = sanitise("body", &html) {
            prop_assert_eq!(&clean(&once), &once);
            let read = plain(&once);
            prop_assert!(!read.starts_with('\n'), "{}", read);
        }
    }
}
