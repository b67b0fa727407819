from tests.exercises import Answers


def duration(samples, sample_rate): ...


def duration_of_an_array(samples, sample_rate):
    return len(samples) / sample_rate


def duration_without_return(samples, sample_rate):
    print(samples / sample_rate)


ANSWERS = {
    "duration": Answers(
        solution=lambda samples, sample_rate: samples / sample_rate,
        stub=duration,
        wrong=[
            (lambda samples, rate: rate / samples, "the other way round"),
            (lambda samples, rate: samples // rate, "drops the fraction"),
            (lambda samples, rate: samples * rate, "look at the units"),
            (lambda samples, rate: 1000 * samples / rate, "milliseconds"),
            (lambda samples, rate: samples / 22_050, "duration(1, 1): got 4.53515e-05, expected 1"),
            (duration_of_an_array, "object of type 'int' has no len()"),
            (duration_without_return, "None (is there a `return`?), expected the number 1"),
            (lambda samples: samples, "(samples, sample_rate)"),
            (1.0, "check.duration(duration)"),
        ],
    )
}
