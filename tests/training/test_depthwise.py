import pytest
import torch
from torch import Tensor, nn

from pneumo_core.training.depthwise import QuickDepthwise


def gradients(convolution: nn.Conv2d, films: Tensor) -> list[Tensor]:
    """Of the films, the weights and the bias, for a fixed direction of the output."""
    films = films.clone().requires_grad_(True)
    convolution.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        maps = convolution(films)
    direction = torch.linspace(-1, 1, maps.numel()).reshape(maps.shape)
    with QuickDepthwise():
        maps.backward(direction.to(maps.dtype))
    found = [films.grad, *(parameter.grad for parameter in convolution.parameters())]
    assert all(each is not None for each in found)
    return [each for each in found if each is not None]


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("bias", [False, True])
def test_the_quick_gradients_are_those_of_float32(kernel: int, stride: int, bias: bool) -> None:
    torch.manual_seed(0)
    convolution = nn.Conv2d(8, 8, kernel, stride, kernel // 2, groups=8, bias=bias)
    films = torch.randn(2, 8, 12, 12).contiguous(memory_format=torch.channels_last)
    quick = gradients(convolution, films)
    exact_films = films.clone().requires_grad_(True)
    convolution.zero_grad()
    maps = convolution(exact_films)
    maps.backward(torch.linspace(-1, 1, maps.numel()).reshape(maps.shape))
    exact = [exact_films.grad, *(parameter.grad for parameter in convolution.parameters())]
    for ours, theirs in zip(quick, exact, strict=True):
        assert theirs is not None
        assert ours.dtype == theirs.dtype
        torch.testing.assert_close(ours, theirs, rtol=0.03, atol=0.03 * float(theirs.abs().max()))


def test_other_convolutions_are_left_alone() -> None:
    torch.manual_seed(0)
    convolution = nn.Conv2d(8, 4, 5, 2, 2)
    films = torch.randn(2, 8, 12, 12)
    ours = gradients(convolution, films)[0]
    plain = films.clone().requires_grad_(True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        maps = convolution(plain)
    maps.backward(torch.linspace(-1, 1, maps.numel()).reshape(maps.shape).to(maps.dtype))
    assert plain.grad is not None
    assert torch.equal(ours, plain.grad)
