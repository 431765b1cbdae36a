"""Plans over a Dask cluster, with the bits of memory, on any number of workers, one of which may just have died.

>>> from dask.distributed import Client  # doctest: +SKIP
>>> from looptax.kernels.dask import plan  # doctest: +SKIP
>>> p = plan(X, y)  # Dask arrays; or paths that all workers see  # doctest: +SKIP
>>> LogisticRegression().fit(p)  # doctest: +SKIP

Each worker loads its blocks by pure functions and keeps them. A step sends (w, b) to them and gets sums back, which are
added as the tree says (`parts/partial.py`). Nothing is scattered, and there are no actors: both are lost with their
worker, where blocks are made again. `cluster.py` has the plan, `loading.py` what blocks are made of, `workers.py` who
may take part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...pyimpl.parts.contract import check_l2, shown
from ..choose import thread_limits
from .cluster import ClusterLostError, ClusterPlan, check_there
from .loading import from_arrays, from_columns, from_npy, is_npy, is_table
from .workers import RefusedWorkerError, check_workers, counted_workers

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ClusterLostError", "ClusterPlan", "RefusedWorkerError", "plan"]


def plan(
    X: Any,
    y: Any = None,
    *,
    sample_weight: Any = None,
    label: str | None = None,
    features: Sequence[str] | None = None,
    weight: str | None = None,
    l2: float = 0.0,
    classes: int | None = None,
    threads: int = 1,
    order: str = "C",
    client: Any = None,
) -> ClusterPlan:
    """Bind data on a cluster to its step: see `looptax.kernels.blocks.plan`, whose interface it has.

    Parameters
    ----------
    X : dask.array.Array, dask.dataframe.DataFrame, or path
        An array (m, n) of float32 or float64; a table, with `label`; an ``.npy`` file in C order, or what
        ``dask.dataframe.read_parquet`` reads, that each worker can open. Nulls of a table are refused; NaN of X stays,
        and so does a null of X that pandas has made a NaN of NumPy's floats.
    y, sample_weight : dask.array.Array or path of an ``.npy`` file, shape (m,)
        Labels, and what each sample counts, where X is an array or an ``.npy`` file.
    label, weight : str
        The columns of a table that hold them.
    features : sequence of str, optional
        Its columns that are X; all others by default.
    l2, classes
        As `looptax.kernels.plan` takes them.
    threads : int
        Of the team, for each task at most: a worker runs as many tasks at once as it has threads.
    order : str
        "C" or "F": in which order the sums are taken, as if the whole lay in it.
    client : distributed.Client, optional
        By default the current one. Rows whose number Dask does not know are counted there, by a pass.

    Returns
    -------
    ClusterPlan

    Raises
    ------
    TypeError, ValueError
        As `looptax.kernels.blocks.plan`.
    ClusterLostError
        There is no scheduler; or no worker, where rows are to be counted.
    RefusedWorkerError
        A worker has no looptax, another version, or no fused multiply-add, which gives other bits.
    ImportError
        There is no Dask: ``pip install 'looptax[dask]'``.
    """
    try:
        from distributed import get_client
    except ImportError as error:
        raise ImportError("plans over a cluster need Dask: pip install 'looptax[dask]'") from error
    if order not in ("C", "F"):
        raise ValueError(f"order is {shown(order)}; expected 'C' or 'F'")
    if classes is not None and thread_limits.positive("classes", classes) < 2:
        raise ValueError(f"classes is {classes}; expected 2 or more")
    client = client or get_client()
    check_there(client)
    check_workers(client)
    at_most = thread_limits.positive("threads", threads)
    with client.as_current():  # Dask may read statistics of Parquet to make the graph
        if is_table(X, label):
            data = from_columns(client, X, y, sample_weight, label, features, weight)
        elif label is not None or features is not None or weight is not None:
            raise ValueError("label, features and weight name columns of a table; X is none")
        elif is_npy(X):
            data = from_npy(X, y, sample_weight)
        else:
            data = from_arrays(client, X, y, sample_weight)
        if not (data.samples and data.features):
            raise ValueError(f"X has shape {data.samples, data.features}; expected at least one sample and one feature")
        return ClusterPlan(data, check_l2(l2), classes, at_most, order, client, counted_workers(client))
