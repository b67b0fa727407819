"""Pictures of decoding: paths that make a text, weights to be chosen, systems side by side."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from course_utils.plotting.base import BLUE, GREY, SKY, VERMILLION, new_axes


def path_sums(paths: Mapping[str, Mapping[str, float]]) -> Axes:
    """Draws what each text is worth: a bar a text, made of the probabilities of its paths.

    Args:
        paths: text to {path: probability}.
    """
    ax = new_axes(height=1.0 + 0.45 * len(paths))
    for row, parts in enumerate(paths.values()):
        left = 0.0
        for number, (path, p) in enumerate(parts.items()):
            ax.barh(row, p, left=left, color=(SKY, "white")[number % 2], edgecolor=BLUE, height=0.6)
            ax.text(left + p / 2, row, f"{path}\n{p:.2f}", ha="center", va="center", fontsize=9)
            left += p
        ax.text(left + 0.01, row, f"{left:.2f}", va="center", weight="bold")
    ax.set_yticks(range(len(paths)), [text or "(nothing)" for text in paths])
    ax.invert_yaxis()
    ax.set(xlabel="probability", xlim=(0, 1))
    return ax


def spelled(
    log_probs: ArrayLike, names: Sequence[str], frame_s: float, least: float = 0.05
) -> Axes:
    """Draws the probability of each token over time, of those that are ever likely.

    Args:
        log_probs: (frames, tokens), natural logs.
        names: of the tokens, the blank first.
        frame_s: seconds from one frame to the next.
        least: tokens that stay below this probability are left out, the blank is shown last.
    """
    p = np.exp(np.asarray(log_probs))
    order = [
        int(k) for k in np.argsort(p.argmax(axis=0), kind="stable") if k and p[:, k].max() > least
    ]
    order.append(0)
    ax = new_axes(height=0.9 + 0.17 * len(order))
    extent = (-frame_s / 2, (len(p) - 0.5) * frame_s, len(order) - 0.5, -0.5)
    ax.imshow(p[:, order].T, aspect="auto", cmap="Blues", extent=extent, vmin=0, vmax=1.2)
    ax.set_yticks(range(len(order)), [names[k] for k in order], fontsize=9)
    ax.set(xlabel="time (s)", ylabel="token")
    return ax


def choices(rates: ArrayLike, alphas: Sequence[float], betas: Sequence[float]) -> Axes:
    """Draws the error rate of each pair of weights as a number and a shade, the least one framed.

    Args:
        rates: fractions (alphas, betas).
        alphas: of the rows.
        betas: of the columns.
    """
    rates = np.asarray(rates)
    _, ax = plt.subplots(
        figsize=(2.0 + 0.9 * len(betas), 1.2 + 0.5 * len(alphas)), layout="constrained"
    )
    ax.imshow(rates, cmap="Blues", vmin=0, vmax=1.6 * rates.max(), aspect="auto")
    for (row, column), rate in np.ndenumerate(rates):
        ax.text(column, row, f"{100 * rate:.1f}", ha="center", va="center")
    row, column = np.unravel_index(rates.argmin(), rates.shape)
    frame = (column - 0.46, row - 0.44)
    ax.add_patch(plt.Rectangle(frame, 0.92, 0.88, fill=False, ec=VERMILLION, lw=2))
    ax.set_xticks(range(len(betas)), [f"{beta:g}" for beta in betas])
    ax.set_yticks(range(len(alphas)), [f"{alpha:g}" for alpha in alphas])
    ax.set(xlabel="β, bonus", ylabel="α, weight of the language model")
    ax.tick_params(length=0)
    return ax


def intervals(rates: Mapping[str, tuple[float, float, float]], xlabel: str) -> Axes:
    """Draws a rate with its interval for each system, one below the other, zero marked.

    Args:
        rates: name to (rate, lower end, upper end), fractions.
        xlabel: what the rate is.
    """
    ax = new_axes(height=0.8 + 0.36 * len(rates))
    for row, (rate, low, high) in enumerate(rates.values()):
        ax.plot([100 * low, 100 * high], [row, row], color=BLUE, lw=2)
        ax.plot(100 * rate, row, "o", color=VERMILLION, ms=7)
    ax.axvline(0, color=GREY, lw=1)
    ax.set_yticks(range(len(rates)), list(rates))
    ax.set(xlabel=f"{xlabel} (%)", ylim=(len(rates) - 0.5, -0.5))
    ax.grid(axis="x", alpha=0.3)
    return ax
