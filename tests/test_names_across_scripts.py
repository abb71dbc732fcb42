"""Names of other scripts in Latin letters, in the many ways in which they are romanised; and who is somebody else."""

from __future__ import annotations

import pytest

from matchers.name_letters import IMPOSSIBLE, likelihood, skeleton_of, skeletons
from matchers.name_rules import listed_spellings
from matchers.romanising import Script
from tests.test_match_names import find, name

ROMANISED = {
    "محمد الحسيني": (
        "Mohammed Al-Husseini",
        "Muhammad al-Husayni",
        "Mohamed Elhusseini",
        "Mohamed Husseini",
        "muhammad alhusayni",
        "Al-Husseini, Mohammed",
    ),
    "أحمد خالد": ("Ahmed Khaled", "Ahmad Khalid", "Achmed Chalid"),
    "فاطمة الزهراوي": ("Fatima Al-Zahrawi", "Fatma Elzahrawy", "Fatimah az-Zahrawi"),
    "عبد الرحمن الشامي": (
        "Abdul Rahman Al-Shami",
        "Abdulrahman Alshami",
        "Abdel-Rahman el-Shamy",
        "Abderrahmane Chami",
        "Abd al-Rahman ash-Shami",
    ),
    "خالد بن جابر": ("Khalid bin Jabir", "Khaled Ben Jaber"),
    "پرویز موسوی": ("Parviz Mousavi", "Parwiz Musawi"),
    "יוסף כהן": ("Yosef Cohen", "Yossef Cohen", "Joseph Cohen", "Josef Kohn"),
    "חיים רבינוביץ": ("Chaim Rabinovich", "Haim Rabinovitz", "Hayim Rabinowitz"),
    "Γιώργος Παπαδόπουλος": ("Yiorgos Papadopoulos", "Giorgos Papadopoulos", "George Papadopoulos"),
    "Ευάγγελος Χατζηδάκης": ("Evangelos Chatzidakis", "Evaggelos Hatzidakis", "Vangelis Hadjidakis"),
    "Евгений Щербаков": ("Yevgeny Shcherbakov", "Evgenii Scherbakov", "Jewgeni Schtscherbakow", "Evgueni Chtcherbakov"),
    "Юлия Жукова": ("Yulia Zhukova", "Julija Schukowa", "Ioulia Joukova"),
    "Олександр Гнатюк": ("Oleksandr Hnatiuk", "Alexander Gnatiuk"),
    "Елена Сергеевна Соколова": ("Jelena Sokolowa", "Lena Sokolova", "Elena Sergeyevna Sokolova", "Yelena S. Sokolova"),
    "გიორგი ხუციშვილი": ("Giorgi Khutsishvili", "George Xucishvili"),
    "Գրիգոր Հովհաննիսյան": ("Grigor Hovhannisyan", "Krikor Hovannisian"),
    "संजय चौधरी": ("Sanjay Chaudhary", "Sanjai Choudhury"),
    "이영희": ("Younghee Lee", "Young-hee Yi"),
    "Mohammed Al-Husseini": ("Muhammad Alhusayni", "Mohamed El Husseini", "Mohammad al-Hussaini"),
    "Abdul Rahman Al-Shami": ("Abdulrahman Alshami", "Abderrahman El Shamy"),
    "طارق الدوسري": (
        "Tariq Al-Dosari",
        "Tarek Aldossary",
        "Tareq Al Dawsari",
    ),
    "هدى منصور": (
        "Huda Mansour",
        "Hoda Mansoor",
    ),
    "وليد شاهين": (
        "Walid Shaheen",
        "Waleed Chahine",
    ),
    "نبيل الخطيب": (
        "Nabil Al-Khatib",
        "Nabeel Elkhateeb",
    ),
    "عبد الله القحطاني": (
        "Abdullah Al-Qahtani",
        "Abdallah Alkahtani",
    ),
    "شيرين خوري": ("Shireen Khoury",),
    "زياد عيسى": (
        "Ziad Issa",
        "Zeyad Eissa",
    ),
    "مهسا کریمی": ("Mahsa Karimi",),
    "شهرام جعفری": (
        "Shahram Jafari",
        "Shahram Djafari",
    ),
    "בנימין פרידמן": (
        "Binyamin Friedman",
        "Benjamin Fridman",
    ),
    "תמר אלון": ("Tamar Alon",),
    "נועם שטרן": (
        "Noam Stern",
        "Noam Shtern",
    ),
    "מיכל גולדברג": ("Michal Goldberg",),
    "Виталий Цветаев": (
        "Vitaly Tsvetaev",
        "Witali Zwetajew",
    ),
    "Ксения Шишкина": (
        "Ksenia Shishkina",
        "Xenia Chichkina",
        "Ksenija Schischkina",
    ),
    "Людмила Ющенкова": (
        "Lyudmila Yushchenkova",
        "Ljudmila Juschtschenkowa",
    ),
    "Ярослав Чорний": (
        "Yaroslav Chornyi",
        "Iaroslav Chorny",
    ),
    "Αικατερίνη Ντουμπάκη": (
        "Aikaterini Doumpaki",
        "Katerina Dubaki",
    ),
    "Ξενοφών Τζαβάρας": (
        "Xenophon Tzavaras",
        "Xenofon Tzavaras",
    ),
    "თამარ ჯავახიძე": ("Tamar Javakhidze",),
    "Նարեկ Խաչատրյան": (
        "Narek Khachatryan",
        "Narek Khatchaturian",
    ),
    "प्रिया अग्रवाल": (
        "Priya Agrawal",
        "Priya Agarwal",
    ),
    "अमित मुखर्जी": (
        "Amit Mukherjee",
        "Amit Mukherji",
    ),
    "Karim El-Khatib": ("Kareem Al Khateeb",),
    "Hussein Jaber": ("Hossain Gaber",),
    "정다은": (
        "Jung Da-eun",
        "Daeun Jeong",
    ),
}


@pytest.mark.parametrize(("value", "written"), [(value, one) for value, ways in ROMANISED.items() for one in ways])
def test_a_name_is_found_in_all_its_romanisations(value: str, written: str) -> None:
    (match,) = find(f"so {written} it is", name(value))
    assert (match.found, match.span.start) == (written, 3)
    assert {"transliterated", "nickname"}.intersection(match.transformations)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("محمد الحسيني", "so Mohammed Hassan it is"),
        ("محمد الحسيني", "so Mahmoud Husseini it is"),
        ("أحمد خالد", "so Ahmed Khalil it is"),
        ("أحمد خالد", "so Hamid Khaled it is"),
        ("علي حسن", "so Ali Hussein it is"),
        ("محمد الحسيني", "Mohammed told al-Husseini"),
        ("דוד לוי", "so Dave Lee it is"),
        ("נועה שפירא", "nuvu super"),
        ("Евгений Щербаков", "so Evgeny Sherman it is"),
        ("Mohammed Al-Husseini", "so Mahmoud Husseini it is"),
        ("Mohammed Li", "so Mohammed Ali it is"),
        ("Mahmoud Jaber", "محمد جابر"),
        ("Ali Hassan", "علي حسين"),
        ("Елена Соколова", "Анна Соколова"),
    ],
)
def test_other_people_with_the_same_consonants_do_not_count(value: str, text: str) -> None:
    assert find(text, name(value)) == []


@pytest.mark.parametrize(
    ("value", "written", "undone"),
    [
        ("Елена Соколова", "Лена Соколова", ("nickname",)),
        ("Елена Соколова", "Леной Соколовой", ("nickname", "inflected")),
        ("Elena Sokolova", "Лена Соколова", ("nickname", "transliterated")),
        ("Yelena Sokolova", "Lena Sokolova", ("case", "nickname")),
        ("Francisco Dominguez", "Paco Dominguez", ("case", "nickname")),
    ],
)
def test_nicknames_of_other_languages_are_known_in_every_script(
    value: str, written: str, undone: tuple[str, ...]
) -> None:
    (match,) = find(f"so {written} it is", name(value))
    assert (match.found, match.transformations) == (written, undone)


@pytest.mark.parametrize("written", ["M. J. Gonzalez Ruiz", "M.J. González-Ruiz", "m. j. gonzalez ruiz"])
def test_initials_count_beside_both_surnames(written: str) -> None:
    (match,) = find(f"so {written} it is", name("Maria José Gonzalez-Ruiz"))
    assert match.found == written


def test_a_romanisation_has_one_of_the_skeletons_of_its_name() -> None:
    for word, written in (("щербаков", "schtscherbakow"), ("عبدالرحمن", "abderrahmane"), ("χατζηδακης", "hadjidakis")):
        assert skeleton_of(written) in skeletons(word)
        assert likelihood(word, _script(word), written) > IMPOSSIBLE


def test_a_likelier_romanisation_costs_less() -> None:
    likely = [likelihood("حسين", Script.ABJAD, written) for written in ("husein", "hussain", "hassan", "husband")]
    assert likely[0] > likely[1] > IMPOSSIBLE
    assert likely[2:] == [IMPOSSIBLE, IMPOSSIBLE]


def test_hostile_words_are_not_compared_letter_by_letter() -> None:
    assert likelihood("محمد", Script.ABJAD, "m" * 10_000) == IMPOSSIBLE


def test_mahmoud_is_no_spelling_of_mohammed() -> None:
    assert listed_spellings()["محمد"] >= {"mohammed", "muhammad"}
    assert "mahmoud" not in listed_spellings()["محمد"]


def _script(word: str) -> Script:
    return {"щ": Script.CYRILLIC, "ع": Script.ABJAD, "χ": Script.GREEK}[word[0]]
