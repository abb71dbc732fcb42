"""Scores: a dox is told from a mention, and every score explains itself."""

from __future__ import annotations

import re

import pytest

from alerting.reading import word_count
from alerting.scoring import Scorer
from core.types import (
    AlertClass,
    Catalogue,
    Document,
    EntityType,
    Found,
    Match,
    Severity,
    Span,
    TermKind,
    Watchlist,
)
from tests.scoring_fixtures import AT, CATALOGUE, SCORER, TERMS, alert, alerts, cue, entity, match, reason, scored, term


@pytest.mark.parametrize(
    ("count", "severity"), [(12, Severity.MEDIUM), (24, Severity.MEDIUM), (25, Severity.HIGH), (100, Severity.CRITICAL)]
)
def test_a_longer_copy_of_a_passage_is_graver(count: int, severity: Severity) -> None:
    copied = " ".join(f"word{number}" for number in range(count))
    found = alert(f"he posted: {copied}!", [match(f"he posted: {copied}!", "letter", copied)])
    assert (found.alert_class, found.severity) == (AlertClass.CONTENT_LEAK, severity)
    assert reason(found, "passage_found") == f"a stretch of {count} words of a confidential passage stands here"
    assert "word" not in found.excerpt


def test_the_changed_words_of_a_copy_weigh_nothing() -> None:
    text = "don't tell anybody " * 10
    found = alert(text, [match(text, "letter", text.strip(), similarity=0.8, transformations=("edited",))])
    assert reason(found, "passage_found") == (
        "a stretch of 30 words of a confidential passage stands here, at least 24 of them unchanged"
    )
    assert (found.score, [signal.name for signal in found.signals]) == (60, ["passage_found"])


def test_words_of_scripts_without_spaces_are_counted_by_the_character() -> None:
    assert (word_count("don’t go to the ferry"), word_count("ночной мост"), word_count("夜の橋へ行く now")) == (5, 2, 7)


def test_a_pseudonym_alone_is_a_low_mention() -> None:
    text = "has anybody seen night_heron today?"
    found = alert(text, [match(text, "heron")])
    assert found.alert_class is AlertClass.MENTION
    assert 20 <= found.score <= 35
    assert found.severity is Severity.LOW


def test_a_text_that_gives_a_pseudonym_away_without_a_name_is_a_medium_linkage_that_says_so() -> None:
    text = "night_heron? it's dave from the bakery, he told me himself"
    found = alert(text, [match(text, "heron")])
    assert (found.alert_class, found.severity, found.entities) == (AlertClass.LINKAGE, Severity.MEDIUM, ())
    assert "telling who or where" in reason(found, "pseudonym_given_away")
    assert "dave" in found.evidence
    assert not {"dave", "bakery"} & set(re.findall(r"\w+", found.excerpt))


def test_what_tells_more_than_that_a_pseudonym_is_given_away_is_said_in_its_place() -> None:
    text = "night_heron's real name is Maria Lopez, from the bakery"
    found = alert(text, [match(text, "heron")], [entity(text, EntityType.PERSON, "Maria Lopez")])
    assert {signal.name for signal in found.signals} == {"pseudonym_next_to_person", "pseudonym_mentioned"}
    assert "bakery" in found.excerpt


def test_a_pseudonym_that_is_an_ordinary_word_is_not_given_away_by_what_may_be_said_of_something_else() -> None:
    text = "the raven? it's dave from the bakery, he told me himself. night_heron"
    found = alert(text, [match(text, "raven", is_ordinary=True)], cues=[cue(text, "night_heron", community="c1")])
    assert found.alert_class is AlertClass.MENTION


def test_a_keyword_alone_is_a_low_mention() -> None:
    text = "meet at the safe house"
    found = alert(text, [match(text, "house")])
    assert (found.alert_class, found.severity) == (AlertClass.MENTION, Severity.LOW)


def test_a_query_that_holds_is_a_medium_mention_and_is_blocked_out() -> None:
    text = "who will dox Harbor Commons next"
    found = alert(text, [match(text, "rule", "dox Harbor Commons")])
    assert (found.alert_class, found.severity) == (AlertClass.MENTION, Severity.MEDIUM)
    assert reason(found, "query_matched") == "a watched query matches"
    assert found.excerpt == "who will █████ next"


def test_a_pattern_that_is_found_is_a_low_mention_and_is_blocked_out() -> None:
    text = "the badge HC-2041 opens it"
    found = alert(text, [match(text, "code", "HC-2041")])
    assert (found.alert_class, found.severity) == (AlertClass.MENTION, Severity.LOW)
    assert reason(found, "pattern_matched") == "a watched pattern matches"
    assert found.excerpt == "the badge █████ opens it"


@pytest.mark.parametrize("undone", [(), ("subdomain",), ("defanged",)])
def test_the_communitys_own_domain_is_a_low_mention(undone: tuple[str, ...]) -> None:
    text = "see harborcommons.example"
    found = alert(text, [match(text, "site", transformations=undone)])
    assert (found.alert_class, found.severity) == (AlertClass.MENTION, Severity.LOW)


@pytest.mark.parametrize(
    ("written", "undone", "similarity", "severity"),
    [
        ("harborc0mmons.example", ("homoglyph",), 1.0, Severity.HIGH),
        ("harborcomons.example", ("typo",), 0.92, Severity.MEDIUM),
        ("harborcommons-login.com", ("affix",), 0.9, Severity.MEDIUM),
        ("harborcommons.org", ("other_suffix",), 0.8, Severity.MEDIUM),
    ],
)
def test_a_domain_that_imitates_the_communitys_is_a_threat_beside_the_domain_itself_too(
    written: str, undone: tuple[str, ...], similarity: float, severity: Severity
) -> None:
    text = f"harborcommons.example moved: log in at https://{written}/ today"
    imitation = match(text, "site", written, transformations=undone, similarity=similarity)
    found = alert(text, [match(text, "site"), imitation])
    assert (found.alert_class, found.severity) == (AlertClass.THREAT, severity)
    assert (
        reason(found, "look_alike_domain")
        == f"a domain that imitates the watched one is named, as in phishing ({undone[0].replace('_', ' ')})"
    )
    assert found.excerpt == "█████ moved: log in at https://█████/ today"


def test_a_protected_name_alone_is_a_low_exposure() -> None:
    text = "I met Tomas Brandt"
    found = alert(text, [match(text, "tomas")])
    assert (found.alert_class, found.severity) == (AlertClass.EXPOSURE, Severity.LOW)


def test_a_pseudonym_joined_with_a_full_name_is_a_high_linkage_that_says_so() -> None:
    text = "fyi n1ght_h3ron is Maria Lopez"
    found = alert(
        text,
        [match(text, "heron", "n1ght_h3ron", transformations=("leet",))],
        [entity(text, EntityType.PERSON, "Maria Lopez")],
    )
    assert found.alert_class is AlertClass.LINKAGE
    assert found.severity in (Severity.HIGH, Severity.CRITICAL)
    assert (
        reason(found, "pseudonym_next_to_person")
        == "the watched pseudonym stands 2 words before a person's name, joined by “is”"
    )
    assert reason(found, "disguised") == "the spelling is disguised (leet)"


@pytest.mark.parametrize(
    "text",
    [
        "night_heron real name: Maria Lopez",
        "the real name of night_heron: Maria Lopez",
        "night_heron (Maria Lopez)",
        "night_heron, también se llama Maria Lopez",
        "night_heron heißt Maria Lopez",
        "le vrai nom de night_heron : Maria Lopez",
        "night_heron se chama Maria Lopez",
        "night_heron зовут Maria Lopez",
        "night_heron真名Maria Lopez",
        "night_heron المعروف باسم Maria Lopez",
        "Maria Lopez a.k.a. night_heron",
        "Maria Lopez posts as night_heron",
        "night_heron isn’t anonymous any more. Real name is Maria Lopez",
    ],
)
def test_a_phrase_that_links_raises_the_score_in_any_language(text: str) -> None:
    found = alert(text, [match(text, "heron")], [entity(text, EntityType.PERSON, "Maria Lopez")])
    assert found.alert_class is AlertClass.LINKAGE
    assert found.severity in (Severity.HIGH, Severity.CRITICAL)


@pytest.mark.parametrize(
    "text",
    [
        "@night_heron replied to Maria",
        "night_heron and Maria Lopez met at the fair",
        "night_heron is friends with Maria",
        "night_heron is not Maria Lopez",
        "night_heron wrote this. " + "Something else follows here. " * 6 + "Maria Lopez sings.",
    ],
)
def test_ordinary_talk_is_no_linkage(text: str) -> None:
    name = "Maria Lopez" if "Lopez" in text else "Maria"
    found = alert(text, [match(text, "heron")], [entity(text, EntityType.PERSON, name)])
    assert found.alert_class is AlertClass.MENTION
    assert found.severity is Severity.LOW


def test_a_link_word_is_stronger_than_none_and_a_full_name_than_a_forename() -> None:
    def score(text: str, name: str) -> int:
        return alert(text, [match(text, "heron")], [entity(text, EntityType.PERSON, name)]).score

    joined = score("night_heron is Maria Lopez", "Maria Lopez")
    adjacent = score("night_heron Maria Lopez", "Maria Lopez")
    forename = score("night_heron is Maria", "Maria")
    related = score("night_heron replied to Maria Lopez", "Maria Lopez")
    assert joined > adjacent > related
    assert joined > forename > related


def test_two_terms_of_one_person_are_critical_with_nothing_else() -> None:
    text = "harborlight. " + "filler words here " * 60 + "Maria Gonzalez"
    found = alert(text, [match(text, "light"), match(text, "maria")])
    assert (found.alert_class, found.severity) == (AlertClass.LINKAGE, Severity.CRITICAL)
    assert "same_person" in {signal.name for signal in found.signals}


def test_two_overlapping_terms_of_one_person_are_one_mention() -> None:
    terms = (
        term("long", TermKind.PSEUDONYM, "heron of the night", person="p"),
        term("short", TermKind.PSEUDONYM, "heron", person="p"),
    )
    scorer = Scorer(Catalogue(watchlists=CATALOGUE.watchlists, terms=terms), minimum_score=0)
    long = Match(term_id="long", kind=TermKind.PSEUDONYM, span=Span("text", 0, 18), found="heron of the night")
    short = Match(term_id="short", kind=TermKind.PSEUDONYM, span=Span("text", 0, 5), found="heron")
    (found,) = scorer.alerts(
        Document(id="d", text="heron of the night"), Found(matches=(long, short)), (), communities=None, at=AT
    )
    assert found.alert_class is AlertClass.MENTION


def test_a_pseudonym_next_to_a_protected_name_of_somebody_else_is_a_linkage() -> None:
    text = "night_heron, Tomas Brandt, same guy"
    found = alert(text, [match(text, "heron"), match(text, "tomas")])
    assert found.alert_class is AlertClass.LINKAGE
    assert found.score >= Severity.HIGH.minimum_score


def test_a_phone_number_and_an_address_nearby_add_up() -> None:
    text = "night_heron lives at 12 Elm Street, call 202-555-0143"
    phone = entity(text, EntityType.PHONE, "202-555-0143")
    address = entity(text, EntityType.ADDRESS, "12 Elm Street")
    one = alert(text, [match(text, "heron")], [address])
    both = alert(text, [match(text, "heron")], [address, phone])
    assert one.alert_class is AlertClass.LINKAGE
    assert one.score < both.score
    assert "an address stands" in reason(one, "identifying_entity_of_pseudonym")
    assert "“lives at”" in reason(one, "identifying_entity_of_pseudonym")


def test_a_particular_is_joined_by_the_phrase_right_before_it() -> None:
    text = "night_heron lives at 12 Elm Street, call 202-555-0143"
    found = alert(text, [match(text, "heron")], [entity(text, EntityType.PHONE, "202-555-0143")])
    assert reason(found, "identifying_entity_of_pseudonym").endswith("joined by “call”")


def test_a_place_counts_only_where_the_text_ties_it() -> None:
    tied, loose = "night_heron lives in Lisbon", "night_heron asked about trains to Lisbon"
    assert (
        alert(tied, [match(tied, "heron")], [entity(tied, EntityType.LOCATION, "Lisbon")]).score
        > alert(loose, [match(loose, "heron")], [entity(loose, EntityType.LOCATION, "Lisbon")]).score
    )


def test_particulars_of_a_protected_name_are_an_exposure() -> None:
    text = "Tomas Brandt, 12 Elm Street"
    found = alert(text, [match(text, "tomas")], [entity(text, EntityType.ADDRESS, "12 Elm Street")])
    assert found.alert_class is AlertClass.EXPOSURE
    assert found.score >= Severity.HIGH.minimum_score


def test_five_members_in_one_document_are_a_bulk_leak() -> None:
    text = "night_heron fox_one fox_two fox_three harborlight"
    matches = [match(text, one) for one in ("heron", "m1", "m2", "m3", "light")]
    found = alert(text, matches)
    assert found.alert_class is AlertClass.BULK_LEAK
    assert alert(text, matches[:4]).alert_class is AlertClass.MENTION


def test_a_person_entity_over_the_pseudonym_itself_or_far_away_does_not_count() -> None:
    text = "night_heron " + "and so on " * 20 + "Maria Lopez"
    plain = alert(text, [match(text, "heron")])
    for person in ("night_heron", "Maria Lopez"):
        assert alert(text, [match(text, "heron")], [entity(text, EntityType.PERSON, person)]).score == plain.score


def test_an_entity_that_is_a_watched_pseudonym_is_no_person() -> None:
    text = "night_heron is Harbor Light"
    found = alert(text, [match(text, "heron")], [entity(text, EntityType.PERSON, "Harbor Light")])
    assert found.alert_class is AlertClass.MENTION


def test_title_and_text_are_read_in_a_row() -> None:
    document = Document(id="d", title="night_heron unmasked", text="Real name: Maria Lopez")
    heron = Match(term_id="heron", kind=TermKind.PSEUDONYM, span=Span("title", 0, 11), found="night_heron")
    person = entity(document.text, EntityType.PERSON, "Maria Lopez")
    (found,) = SCORER.alerts(document, Found(matches=(heron,)), [person], communities=None, at=AT)
    assert found.alert_class is AlertClass.LINKAGE
    assert found.score >= Severity.HIGH.minimum_score


def test_a_term_that_needs_context_counts_only_near_some() -> None:
    far = " " + "x" * 400 + " "
    text = f"raven harbor commons{far}night_heron"
    raven = match(text, "raven")
    assert alerts(text, [raven]) == ()
    assert alerts(text, [raven], cues=[cue(text, "harbor commons", community="c2")]) == ()
    assert alerts(text, [raven], cues=[cue(text, "harbor commons", pack="unlisted")]) == ()
    assert alert(text, [raven], cues=[cue(text, "harbor commons", community="c1")]).matches == (raven,)
    assert alert(text, [raven], cues=[cue(text, "harbor commons", pack="doxxing")]).matches == (raven,)
    assert raven not in alert(text, [raven, match(text, "heron")]).matches
    near = "raven night_heron"
    assert alert(near, [match(near, "raven"), match(near, "heron")]).matches[0].term_id == "raven"


def test_community_and_pack_nearby_raise_a_mention_but_not_to_medium() -> None:
    text = "night_heron of harbor commons, dox"
    plain = alert(text, [match(text, "heron")])
    cues = [cue(text, "harbor commons", community="c1"), cue(text, "dox", pack="doxxing")]
    found = alert(text, [match(text, "heron")], cues=cues)
    assert plain.score < found.score < Severity.MEDIUM.minimum_score
    assert "“doxxing”" in reason(found, "pack_context")


def test_an_uncertain_match_gets_fewer_points_and_says_so() -> None:
    text = "night_herron"
    found = alert(text, [match(text, "heron", "night_herron", similarity=0.88)])
    assert found.score < alert(text, [match(text, "heron", "night_herron")]).score
    assert "88 %" in reason(found, "uncertain_match")


def test_case_is_no_disguise() -> None:
    text = "NIGHT_HERON"
    found = alert(text, [match(text, "heron", "NIGHT_HERON", transformations=("case",))])
    assert "disguised" not in {signal.name for signal in found.signals}


def test_a_score_is_the_sum_of_its_reasons_and_no_reason_quotes_the_text() -> None:
    text = "n1ght_h3ron is Maria Lopez, 12 Elm Street"
    found = alert(
        text,
        [match(text, "heron", "n1ght_h3ron", transformations=("leet",))],
        [entity(text, EntityType.PERSON, "Maria Lopez", 0.5), entity(text, EntityType.ADDRESS, "12 Elm Street", 0.3)],
    )
    assert found.score == min(100, sum(signal.points for signal in found.signals))
    for signal in found.signals:
        assert not any(word in signal.text for word in ("n1ght", "Maria", "Lopez", "Elm"))


def test_each_watchlist_gets_its_own_alert_and_only_communities_that_may_see_it() -> None:
    text = "night_heron greyowl"
    found = Found(matches=(match(text, "heron"), match(text, "owl")))
    document = Document(id="d", text=text)
    assert [one.watchlist_id for one in SCORER.alerts(document, found, (), communities=None, at=AT)] == ["w1", "w2"]
    only = SCORER.alerts(document, found, (), communities=frozenset({"c2"}), at=AT)
    assert [one.community_id for one in only] == ["c2"]
    assert [match.term_id for match in only[0].matches] == ["owl"]


def test_words_of_a_threat_beside_a_member_are_a_threat() -> None:
    text = "night_heron we know where you live, watch your back"
    found = alert(text, [match(text, "heron")])
    assert found.alert_class is AlertClass.THREAT
    assert found.severity is Severity.HIGH


def test_a_login_right_beside_a_domain_or_a_member_is_a_credential_leak() -> None:
    text = "ana@harborcommons.example:hunter2"
    login = entity(text, EntityType.CREDENTIAL, text)
    found = alert(text, [match(text, "site")], [login])
    assert (found.alert_class, found.severity) == (AlertClass.CREDENTIAL_LEAK, Severity.MEDIUM)
    far = "harborcommons.example is nice. " + "x " * 60 + "somebody@else.example:hunter2"
    other = entity(far, EntityType.CREDENTIAL, "somebody@else.example:hunter2")
    assert alert(far, [match(far, "site")], [other]).alert_class is AlertClass.MENTION


def test_a_pack_about_a_sensitive_subject_makes_a_mention_a_topic() -> None:
    watchlist = Watchlist(id="w1", community_id="c1", name="Members", packs=("immigration-status",))
    scorer = Scorer(Catalogue(watchlists=(watchlist,), terms=TERMS[:1]), minimum_score=0)
    text = "night_heron has no papers"
    found = Found(matches=(match(text, "heron"),), cues=(cue(text, "no papers", pack="immigration-status"),))
    (raised,) = scorer.alerts(Document(id="d", text=text), found, (), communities=None, at=AT)
    assert (raised.alert_class, raised.severity) == (AlertClass.TOPIC, Severity.LOW)


def test_the_more_kinds_of_details_belong_together_the_higher_the_score() -> None:
    text = "night_heron is Maria Lopez, 12 Elm Street, 202-555-0143"
    name = entity(text, EntityType.PERSON, "Maria Lopez", 0.5)
    address = entity(text, EntityType.ADDRESS, "12 Elm Street", 0.3)
    phone = entity(text, EntityType.PHONE, "202-555-0143", 0.2)
    found = [alert(text, [match(text, "heron")], [name, address, phone][:count]) for count in (1, 2, 3)]
    assert found[0].score < found[1].score < found[2].score
    assert reason(found[2], "several_kinds") == "3 kinds of identifying details belong together here"


def test_a_public_figure_beside_a_pseudonym_is_talk() -> None:
    text = "night_heron is Taylor Swift"
    found = alert(text, [match(text, "heron")], [entity(text, EntityType.PERSON, "Taylor Swift")])
    assert found.severity is Severity.LOW


def test_an_author_who_gives_their_own_name_is_joined_with_it() -> None:
    document = Document(id="d", text="ok, you win. I'm Maria Lopez and I teach", author="night_heron")
    heron = Match(term_id="heron", kind=TermKind.PSEUDONYM, span=Span("author", 0, 11), found="night_heron")
    found = scored(document, [heron], [entity(document.text, EntityType.PERSON, "Maria Lopez")])
    assert (found.alert_class, found.severity) == (AlertClass.LINKAGE, Severity.HIGH)
    other = Document(id="d", text="I met Maria Lopez", author="night_heron")
    assert scored(other, [heron], [entity(other.text, EntityType.PERSON, "Maria Lopez")]).severity is Severity.LOW


def test_a_widely_read_place_and_a_new_post_add_points_but_not_up_to_medium() -> None:
    text = "has anybody seen night_heron?"
    plain = scored(Document(id="d", text=text), [match(text, "heron")])
    read_by_many = Document(id="d", text=text, url="https://www.reddit.com/r/a/1", published_at=AT, fetched_at=AT)
    found = scored(read_by_many, [match(text, "heron")])
    assert plain.score < found.score < Severity.MEDIUM.minimum_score
    assert reason(found, "widely_read") == "it stands on a widely read site"


def test_nothing_below_the_minimum_score_is_raised() -> None:
    text = "night_heron"
    found = Found(matches=(match(text, "heron"),))
    quiet = Scorer(CATALOGUE, minimum_score=45)
    assert quiet.alerts(Document(id="d", text=text), found, (), communities=None, at=AT) == ()


# ── more evidence never lowers a score ──────────────────────────────────────────────────────────
