"""Exercise and quiz of notebook 00, Start here."""

from course_utils.exercises.framework import Notebook
from course_utils.exercises.quiz import Option, Question

notebook = Notebook(0, "Start here")


@notebook.function(
    cases=[(1, 1), (8_000, 8_000), (22_050, 8_000), (11_025, 22_050), (0, 8_000)],
    mistakes=[
        (
            "That is the rate divided by the samples; it is the other way round.",
            lambda samples, sample_rate: sample_rate / samples if samples else 0.0,
        ),
        (
            "The operator // drops the fraction; durations are seldom whole seconds: use /.",
            lambda samples, sample_rate: samples // sample_rate,
        ),
        (
            "Samples times samples a second are no seconds: look at the units, and divide.",
            lambda samples, sample_rate: samples * sample_rate,
        ),
        (
            "That is in milliseconds; seconds are asked for.",
            lambda samples, sample_rate: 1000 * samples / sample_rate,
        ),
    ],
    hints=[
        "The sample rate says how many samples there are in one second. How many seconds do twice "
        "as many samples last?",
        "Samples, divided by samples a second, are seconds.",
        "The line to write: return samples / sample_rate",
    ],
)
def duration(samples: int, sample_rate: int) -> float:
    """How long is a sound?"""
    return samples / sample_rate


notebook.set_quiz(
    Question(
        "A cell says x = 5 and you run it. Then you change it to x = 7, do not run it, and run "
        "another cell that says print(x). What is printed?",
        [
            Option(
                "7",
                "The kernel knows only what was run. It has never seen the 7: that stands on the "
                "page and nowhere else.",
            ),
            Option(
                "5",
                "The kernel keeps what was last run, whatever the page says by now. That is how a "
                "notebook and its results drift apart.",
                correct=True,
            ),
            Option(
                "Nothing: there is an error, because the cell was changed.",
                "Changing a cell does not touch the kernel. The name x still stands for what the "
                "last run gave it.",
            ),
        ],
    ),
    Question(
        "You restart the kernel and run all cells; not one fails. What has that proved?",
        [
            Option(
                "That the results are right.",
                "Wrong code can run without a complaint. For right results somebody has to check "
                "them: the cells with assert do that, and your exercises' checks.",
            ),
            Option(
                "That it will run on every other computer.",
                "Only on this one, with its packages and its files. Another may have other "
                "versions or lack a file.",
            ),
            Option(
                "Nothing that running the last cell would not have proved.",
                "The last cell alone may lean on names left over from cells that were since "
                "changed or deleted. After a restart nothing is left over.",
            ),
            Option(
                "That the notebook, read from top to bottom, needs nothing left over from before.",
                "A fresh kernel knows no names. If every cell runs in order, then everything that "
                "a cell needs is made by a cell above it.",
                correct=True,
            ),
        ],
    ),
    Question(
        "A check answers: duration(3, 2): got 6, expected 1.5. What is the best next step?",
        [
            Option(
                "Change the function until the check is content, one idea after the other.",
                "That may take a while. The message names the smallest input that goes wrong: use "
                "it.",
            ),
            Option(
                "Compute duration(3, 2) by hand, line by line, and find where 6 comes from.",
                "The message gives you a case small enough to follow with a pencil: 3 · 2 is 6, so "
                "something multiplies that should divide.",
                correct=True,
            ),
            Option(
                "Return 1.5 when the arguments are 3 and 2.",
                "Then the next case fails: a check tries many. And nothing is learned.",
            ),
        ],
    ),
    Question(
        "A cell has shown [*] for two minutes, and nothing moves. What do you do first?",
        [
            Option(
                "Run it once more.",
                "It would wait in line: the kernel does one thing after the other, and it is still "
                "busy with the first run.",
            ),
            Option(
                "Reload the page in the browser.",
                "The page is only the window. The kernel behind it goes on with what it was doing.",
            ),
            Option(
                "Interrupt the kernel from its menu, and restart it if that does not help.",
                "An interrupt stops the running cell and keeps the variables. A restart forgets "
                "everything, so after it run the cells from the top.",
                correct=True,
            ),
        ],
    ),
)

check, hint, quiz = notebook.check, notebook.hint, notebook.quiz
