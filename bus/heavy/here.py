"""Jobs in threads of this process, for tests and commands. Nothing bounds their time or memory."""

import asyncio

from bus.heavy.job import Job


class Here:
    """Runs each job in a thread."""

    async def run(self, job: Job, *parts: bytes, who: str) -> bytes:
        """The job's answer; see `Heavy.run`."""
        return await asyncio.to_thread(job, *parts)

    async def close(self) -> None:
        """Do nothing: a thread ends with its job."""
