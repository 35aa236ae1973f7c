"""What has to be settled for the whole process before and after torch is imported."""

from __future__ import annotations

import os

#: For every from_pretrained: files of this machine only, and no code out of a model's folder; where that is left open
#: transformers asks the terminal.
LOCAL_ONLY = {"local_files_only": True, "trust_remote_code": False}
_FEW = 2


def cores() -> int:
    """How many CPU cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def compute_threads() -> int:
    """Threads for the models on a CPU: one core stays free for decoding and for the screen, where there are enough.

    Of two cores an idle one would be half of the machine. The worker is the nicer process and its threads wait
    without spinning, so the screen gets a core when it wants one.
    """
    return cores() if cores() <= _FEW else cores() - 1


def prepare_environment() -> None:
    """Set what torch reads when it is imported; what the user has set already is kept.

    Waiting OpenMP threads that spin make small networks ten times slower on a busy machine.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("KMP_BLOCKTIME", "0")
    # The tokenizers' own thread pool is of no use for one prompt and warns about forks.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def go_offline() -> None:
    """Forbid the model libraries of this process the network; call it before they are imported."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TRANSFORMERS_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


def configure_torch() -> None:
    """Set torch's threads and exact float32 arithmetic for the calling thread; an OMP_NUM_THREADS is respected."""
    import torch

    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(compute_threads())
    # TF32 convolutions move LPIPS away from what a CPU gives.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def silence_libraries() -> None:
    """Switch off the progress bars and advice of the model libraries: they only fill a log."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
