"""The languages of ChatKit.js (version 1.9.0), and Django's language codes among them."""

from __future__ import annotations

LOCALES = tuple(
    """
    am ar bg-BG bn-BD bs-BA ca-ES cs-CZ da-DK de-DE el-GR es-419 es-ES et-EE fi-FI fr-CA fr-FR gu-IN
    hi-IN hr-HR hu-HU hy-AM id-ID is-IS it-IT ja-JP ka-GE kk kn-IN ko-KR lt lv-LV mk-MK ml mn mr-IN
    ms-MY my-MM nb-NO nl-NL pa pl-PL pt-BR pt-PT ro-RO ru-RU sk-SK sl-SI so-SO sq-AL sr-RS sv-SE sw-TZ
    ta-IN te-IN th-TH tl tr-TR uk-UA ur vi-VN zh-CN zh-HK zh-TW
    bg bn bs ca cs da de el es et fi fr gu hi hr hu hy id is it ja ka kn ko lv mk mr ms my nb nl pl pt
    ro ru sk sl so sq sr sv sw ta te th tr uk vi zh zh-Hant en
    """.split()  # noqa: SIM905
)
"""``SupportedLocale``: anything else is shown in English."""

RELATED = {
    "fil": "tl",
    "in": "id",
    "mo": "ro",
    "nn": "nb",
    "no": "nb",
    "zh-hans": "zh-CN",
    "zh-hant-hk": "zh-HK",
    "zh-hant-mo": "zh-HK",
    "zh-mo": "zh-HK",
}
"""Codes of languages that ChatKit.js knows under another code, old ISO codes included."""

LATIN_AMERICA = "ar bo br bz cl co cr cu do ec gt hn mx ni pa pe pr py sv us uy ve".split()  # noqa: SIM905
LIKE_PORTUGAL = "ao ch cv fr gq gw lu mo mz st tl".split()  # noqa: SIM905
# Which regions write Spanish and Portuguese like whom: the parent locales of Unicode's CLDR.
RELATED |= {f"es-{region}": "es-419" for region in LATIN_AMERICA}
RELATED |= {f"pt-{region}": "pt-PT" for region in LIKE_PORTUGAL}

BY_CODE = {locale.lower(): locale for locale in LOCALES} | RELATED


def chatkit_locale(language_code: str) -> str:
    """The ChatKit.js locale for a Django language code; English where there is none.

    ``pt-br`` is looked up as it is, without regard to case, then as a language with another code
    (``no`` is ``nb``), then without its last part: ``de-at``, ``de``.
    """
    code = language_code.replace("_", "-").lower()
    while code and code not in BY_CODE:
        code = code.rpartition("-")[0]
    return BY_CODE.get(code, "en")
