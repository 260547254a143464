//! Providers of language models, and what is built around them.

use super::Segment::{Any, Maybe, Run, Text, Until};
use super::{Detector, Group, UUID};
use crate::secret::verify::class::{ALNUM, BASE64URL, DASH, DIGIT, DOT, HEX, LOWER};

const G: Group = Group::LanguageModels;

pub(super) const DETECTORS: &[Detector] = &[
    Detector::token("openai-project-key", G, &["sk-proj-"], &[Run(BASE64URL, 40, 250)]),
    Detector::token("openai-service-account-key", G, &["sk-svcacct-", "sk-service-"], &[Run(BASE64URL, 40, 250)]),
    Detector::token("openai-admin-key", G, &["sk-admin-"], &[Run(BASE64URL, 40, 250)]),
    Detector::token("openai-api-key", G, &["sk-"], &[Until(BASE64URL, 48, "T3BlbkFJ"), Run(BASE64URL, 20, 100)])
        .entropy(30),
    Detector::token("anthropic-api-key", G, &["sk-ant-api"], &[Run(DIGIT, 2, 2), Text("-"), Run(BASE64URL, 60, 160)]),
    Detector::token(
        "anthropic-admin-key",
        G,
        &["sk-ant-admin"],
        &[Run(DIGIT, 2, 2), Text("-"), Run(BASE64URL, 60, 160)],
    ),
    Detector::token(
        "anthropic-oauth-token",
        G,
        &["sk-ant-oat", "sk-ant-ort", "sk-ant-sid"],
        &[Run(DIGIT, 2, 2), Text("-"), Run(BASE64URL, 60, 160)],
    ),
    Detector::token("huggingface-token", G, &["hf_", "api_org_"], &[Run(ALNUM, 34, 40)]),
    Detector::token("groq-api-key", G, &["gsk_"], &[Run(ALNUM, 48, 56)]),
    Detector::token("replicate-api-token", G, &["r8_"], &[Run(BASE64URL, 37, 40)]),
    Detector::token("perplexity-api-key", G, &["pplx-"], &[Run(ALNUM, 40, 64)]),
    Detector::token("xai-api-key", G, &["xai-"], &[Run(ALNUM, 70, 90)]),
    Detector::token("openrouter-api-key", G, &["sk-or-v1-"], &[Run(HEX, 64, 64)]),
    Detector::token("deepseek-api-key", G, &["sk-"], &[Run(HEX, 32, 32)]),
    Detector::token("llm-secret-key", G, &["sk-"], &[Run(ALNUM, 40, 64)]).entropy(35),
    Detector::keyed("cohere-api-key", G, &["cohere", "co_api"], &[Run(ALNUM, 40, 40)]),
    Detector::keyed("mistral-api-key", G, &["mistral"], &[Run(ALNUM, 32, 32)]),
    Detector::token("nvidia-api-key", G, &["nvapi-"], &[Run(BASE64URL, 60, 70)]),
    Detector::token("together-api-key", G, &["tgp_v1_"], &[Run(BASE64URL, 43, 64)]),
    Detector::keyed("together-legacy-key", G, &["together"], &[Run(HEX, 64, 64)]),
    Detector::token("fireworks-api-key", G, &["fw_"], &[Run(ALNUM, 20, 40)]).entropy(35),
    Detector::token("cerebras-api-key", G, &["csk-"], &[Run(LOWER | DIGIT, 40, 64)]),
    Detector::token(
        "langsmith-api-key",
        G,
        &["lsv2_"],
        &[Any(&["pt_", "sk_"]), Run(HEX, 32, 32), Text("_"), Run(HEX, 10, 10)],
    ),
    Detector::token("langfuse-secret-key", G, &["sk-lf-"], UUID),
    Detector::token("pinecone-api-key", G, &["pcsk_"], &[Run(ALNUM, 5, 6), Text("_"), Run(ALNUM, 60, 66)]),
    Detector::token("tavily-api-key", G, &["tvly-"], &[Maybe("dev-"), Maybe("prod-"), Run(ALNUM | DASH, 28, 64)])
        .entropy(30),
    Detector::token("voyage-api-key", G, &["pa-"], &[Run(BASE64URL, 43, 43)]).entropy(35),
    Detector::token("jina-api-key", G, &["jina_"], &[Run(BASE64URL, 56, 64)]),
    Detector::token("firecrawl-api-key", G, &["fc-"], &[Run(HEX, 32, 32)]),
    Detector::token("e2b-api-key", G, &["e2b_"], &[Run(HEX, 40, 40)]),
    Detector::token("elevenlabs-api-key", G, &["sk_"], &[Run(HEX, 48, 48)]),
    Detector::keyed("deepgram-api-key", G, &["deepgram"], &[Run(HEX, 40, 40)]),
    Detector::keyed("assemblyai-api-key", G, &["assemblyai"], &[Run(HEX, 32, 32)]),
    Detector::keyed("weights-and-biases-api-key", G, &["wandb"], &[Run(HEX, 40, 40)]),
    Detector::keyed("exa-api-key", G, &["exa_api"], UUID),
    Detector::token("composio-api-key", G, &["ak_"], &[Run(BASE64URL, 20, 20)]).entropy(35),
    Detector::keyed("zhipu-api-key", G, &["zhipu", "bigmodel"], &[Run(HEX, 32, 32), Text("."), Run(ALNUM, 16, 16)]),
    Detector::token("portkey-api-key", G, &["pk-live-"], &[Run(BASE64URL | DOT, 28, 64)]),
];
