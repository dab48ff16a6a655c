import numpy as np

from benchmarks.scene import draw_nuclei


def test_the_same_seed_draws_the_same_field():
    first, second = draw_nuclei(96), draw_nuclei(96)
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.labels, second.labels)


def test_nuclei_are_brighter_than_their_surroundings_and_stay_inside():
    scene = draw_nuclei(138, seed=3)
    inside = scene.labels > 0
    assert scene.image.shape == scene.labels.shape == (138, 138)
    assert scene.labels.max() == 9
    assert scene.image[inside].mean() > 2 * scene.image[~inside].mean()
