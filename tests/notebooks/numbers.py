"""Numbers in prose and in outputs, and whether the one in prose is the one that was computed.

Prose marks a number that repeats a computed one: `49.9<!--out--> dB`.
"""

import re

THIN = "\u00a0\u2009\u202f"  # spaces that are used between thousands
NUMBER = rf"[-−+]?\d+(?:[,{THIN}]\d{{3}}(?!\d))*(?:\.\d+)?(?:[eE][-+]?\d+)?"
TIMES_TEN = r"\s*(?:×|\\times)\s*10\s*(?:\^\{?[-−+]?\d+\}?|[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)"
ANY_NUMBER = re.compile(rf"(?<![\w.]){NUMBER}(?:{TIMES_TEN})?")
NUMBER_AT_END = re.compile(rf"({NUMBER}(?:{TIMES_TEN})?)[^\d\n]{{0,12}}$")
MARK = re.compile(r"([^<\n]*)<!--\s*out\s*-->")
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺−", "0123456789-+-")


def marked(markdown: str) -> list[str]:
    """The text before each mark, up to the line's start or the mark before."""
    return MARK.findall(markdown)


def last_number(text: str) -> str | None:
    """The last number of a text, with its power of ten; a unit may follow it."""
    match = NUMBER_AT_END.search(text)
    return match[1] if match else None


def printed(output: str) -> list[float]:
    """All numbers in an output."""
    return [value(match.group()) for match in ANY_NUMBER.finditer(output)]


def value(text: str) -> float:
    """What a number says: 1,024 or −3.0 or 1.1e-16 or 1.1 \\times 10^{-16} or 2 × 10⁻⁵."""
    mantissa, _, power = re.sub(r"\s*(?:×|\\times)\s*10\s*", "x", text).partition("x")
    number = float(re.sub(f"[,{THIN}]", "", mantissa).replace("−", "-"))
    return number * 10.0 ** int(power.strip("^{}").translate(SUPERSCRIPTS)) if power else number


def agrees(text: str, number: float) -> bool:
    """Whether a number in the text is the printed one, or is it rounded.

    Only numbers of two digits or more may be rounded: 3.7 is not "4".
    """
    said = value(text)
    if said == number or abs(said - number) <= 1e-12 * abs(number):
        return True
    mantissa = re.split(r"[eE×\\]", text)[0].strip()
    digits = re.sub(r"\D", "", mantissa).lstrip("0")
    if len(digits) < 2:
        return False
    scale = abs(said / value(mantissa))
    last_place = scale * 10.0 ** -len(mantissa.partition(".")[2])
    return abs(said - number) <= 0.5000001 * last_place
