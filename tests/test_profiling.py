"""Where the time of a computation goes."""

import torch

from course_utils.training import profiled


def test_calls_are_counted_and_the_costliest_comes_first(capfd):
    x = torch.randn(300, 300)

    def work():
        for _ in range(5):
            torch.mm(x, x)

    work()
    lines = profiled(work)
    products = next(line for line in lines if line.operation == "aten::mm")
    assert products.calls == 5 and products.self_ms > 0
    assert [line.self_ms for line in lines] == sorted((x.self_ms for x in lines), reverse=True)
    assert "gpuGetDeviceCount" not in capfd.readouterr().err
