"""A Dask cluster, of two processes here: the bits of memory, also when one of them is killed.

pip install 'looptax[sklearn,dask]'
python docs/gallery/on_a_cluster.py
"""

import os
import signal

import dask.array as da
import numpy as np
from distributed import Client, LocalCluster
from looptax.kernels import plan as in_memory
from looptax.kernels.dask import plan
from looptax.kernels.sklearn import LogisticRegression


def main():
    """Fit, kill a worker, and fit again."""
    m, n = 100_000, 20
    rng = da.random.default_rng(0)
    right = np.linspace(-1, 1, n)
    X = rng.standard_normal((m, n), chunks=(9000, n))  # made on the workers, and again where one dies
    y = (rng.random(m, chunks=9000) < 1 / (1 + da.exp(-X @ right))).astype(int)

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster,
        Client(cluster) as client,
    ):
        p = plan(X, y)
        print(p.explain())
        before = LogisticRegression().fit(p)
        there, here = p.step(right, 0.0), in_memory(*da.compute(X, y)).step(right, 0.0)
        os.kill(next(iter(client.run(os.getpid).values())), signal.SIGTERM)
        after = LogisticRegression().fit(p)

    print(f"cost from memory {here.cost!r}, from the cluster {there.cost!r}")
    print(f"worst weight off by {abs(after.coef_ - right).max():.2f}, after a worker was lost")
    assert (there.dw == here.dw).all()
    assert (before.coef_ == after.coef_).all()


if __name__ == "__main__":  # workers import this file
    main()
