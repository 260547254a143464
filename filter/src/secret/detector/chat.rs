//! Chat, mail and messages.

use super::Segment::{Any, Run, Start, Text};
use super::{Detector, Form, Group, UUID};
use crate::secret::verify::class::{ALNUM, BASE64URL, DASH, DIGIT, EQUALS, HEX, LOWER, PERCENT, PLUS_SLASH, UPPER};

const G: Group = Group::Chat;

pub(super) const DETECTORS: &[Detector] = &[
    Detector::token("slack-bot-token", G, &["xoxb-"], &[Run(ALNUM | DASH, 20, 300)]),
    Detector::token("slack-user-token", G, &["xoxp-"], &[Run(ALNUM | DASH, 20, 300)]),
    Detector::token("slack-app-token", G, &["xapp-"], &[Run(ALNUM | DASH, 20, 300)]),
    Detector::token("slack-legacy-token", G, &["xoxa-", "xoxo-", "xoxr-", "xoxs-"], &[Run(ALNUM | DASH, 20, 300)]),
    Detector::token("slack-config-token", G, &["xoxe-", "xoxe."], &[Run(ALNUM | DASH, 20, 400)]),
    Detector::token(
        "slack-session-token",
        G,
        &["xoxc-", "xoxd-"],
        &[Run(ALNUM | DASH | PERCENT | PLUS_SLASH | EQUALS, 20, 400)],
    ),
    Detector::token(
        "slack-webhook-url",
        G,
        &["hooks.slack.com/services/", "hooks.slack.com/workflows/", "hooks.slack.com/triggers/"],
        &[Start, Run(ALNUM, 8, 14), Text("/"), Run(ALNUM, 8, 20), Text("/"), Run(ALNUM | PLUS_SLASH, 20, 60)],
    ),
    Detector::token(
        "discord-webhook-url",
        G,
        &["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"],
        &[Run(DIGIT, 17, 20), Text("/"), Start, Run(BASE64URL, 60, 80)],
    ),
    // A user's number in base64, the time, the signature.
    Detector::token(
        "discord-bot-token",
        G,
        DIGITS_IN_BASE64,
        &[Run(BASE64URL, 20, 25), Text("."), Run(BASE64URL, 5, 7), Text("."), Run(BASE64URL, 27, 45)],
    )
    .entropy(35),
    Detector::new("telegram-bot-token", G, &[":AA"], Form::Within(DIGIT, 8, 10, &[Run(BASE64URL, 33, 33)])).entropy(35),
    Detector::token(
        "teams-webhook-url",
        G,
        &["webhook.office.com/webhookb2/", "outlook.office.com/webhook/"],
        &[
            Run(HEX | DASH, 36, 36),
            Text("@"),
            Run(HEX | DASH, 36, 36),
            Text("/IncomingWebhook/"),
            Start,
            Run(HEX, 32, 32),
            Text("/"),
            Run(BASE64URL, 36, 60),
        ],
    ),
    Detector::keyed("mattermost-access-token", G, &["mattermost"], &[Run(LOWER | DIGIT, 26, 26)]),
    Detector::token(
        "twilio-api-key",
        G,
        &[
            "SK0", "SK1", "SK2", "SK3", "SK4", "SK5", "SK6", "SK7", "SK8", "SK9", "SKa", "SKb", "SKc", "SKd", "SKe",
            "SKf",
        ],
        &[Run(HEX, 31, 31)],
    ),
    Detector::keyed("twilio-auth-token", G, &["twilio"], &[Run(HEX, 32, 32)]),
    Detector::token("sendgrid-api-key", G, &["SG."], &[Run(BASE64URL, 20, 24), Text("."), Run(BASE64URL, 39, 50)]),
    Detector::token("mailgun-api-key", G, &["key-"], &[Run(LOWER | DIGIT, 32, 32)]),
    Detector::keyed(
        "mailgun-private-key",
        G,
        &["mailgun"],
        &[Run(HEX, 32, 32), Text("-"), Run(HEX, 8, 8), Text("-"), Run(HEX, 8, 8)],
    ),
    Detector::keyed("mailchimp-api-key", G, &["mailchimp"], &[Run(HEX, 32, 32), Text("-us"), Run(DIGIT, 1, 2)]),
    Detector::token("brevo-api-key", G, &["xkeysib-", "xsmtpsib-"], &[Run(HEX, 64, 64), Text("-"), Run(ALNUM, 16, 16)]),
    Detector::token("mandrill-api-key", G, &["md-"], &[Run(BASE64URL, 22, 22)]).entropy(33),
    Detector::token("resend-api-key", G, &["re_"], &[Run(ALNUM, 8, 10), Text("_"), Run(ALNUM, 22, 26)]).entropy(33),
    Detector::keyed("postmark-server-token", G, &["postmark"], UUID),
    Detector::keyed("sparkpost-api-key", G, &["sparkpost"], &[Run(HEX, 40, 40)]),
    Detector::keyed("vonage-api-secret", G, &["vonage", "nexmo"], &[Run(ALNUM, 16, 16)]),
    Detector::keyed("zoom-client-secret", G, &["zoom"], &[Run(ALNUM, 32, 36)]).entropy(33),
    Detector::keyed(
        "line-channel-access-token",
        G,
        &["channel_access", "channelaccess", "line_channel"],
        &[Run(ALNUM | PLUS_SLASH, 100, 200), Any(&["="])],
    ),
    Detector::keyed(
        "webex-access-token",
        G,
        &["webex"],
        &[Run(BASE64URL, 64, 64), Text("_"), Run(ALNUM, 4, 4), Text("_"), Run(HEX | DASH, 36, 36)],
    ),
    Detector::keyed("messagebird-access-key", G, &["messagebird"], &[Run(ALNUM | UPPER, 25, 25)]),
];

/// How base64 of three decimal digits begins.
const DIGITS_IN_BASE64: &[&str] = &[
    "MTA", "MTE", "MTI", "MTM", "MTQ", "MTU", "MTY", "MTc", "MTg", "MTk", "MjA", "MjE", "MjI", "MjM", "MjQ", "MjU",
    "MjY", "Mjc", "Mjg", "Mjk", "MzA", "MzE", "MzI", "MzM", "MzQ", "MzU", "MzY", "Mzc", "Mzg", "Mzk", "NDA", "NDE",
    "NDI", "NDM", "NDQ", "NDU", "NDY", "NDc", "NDg", "NDk", "NTA", "NTE", "NTI", "NTM", "NTQ", "NTU", "NTY", "NTc",
    "NTg", "NTk", "NjA", "NjE", "NjI", "NjM", "NjQ", "NjU", "NjY", "Njc", "Njg", "Njk", "NzA", "NzE", "NzI", "NzM",
    "NzQ", "NzU", "NzY", "Nzc", "Nzg", "Nzk", "ODA", "ODE", "ODI", "ODM", "ODQ", "ODU", "ODY", "ODc", "ODg", "ODk",
    "OTA", "OTE", "OTI", "OTM", "OTQ", "OTU", "OTY", "OTc", "OTg", "OTk",
];
