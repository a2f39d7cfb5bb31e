"""An MCP client of the official Python SDK: `client.py COMMAND ARGS…`.

It takes one JSON value a line on stdin, "tools" or [tool, arguments], and prints what the server answers, one
JSON value a line. At the end of stdin it closes the session as clients do.
"""

import asyncio
import json
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


def say(value):
    print(json.dumps(value), flush=True)


async def answer(session, request):
    if request == "tools":
        return await session.list_tools()
    tool, arguments = request
    return await session.call_tool(tool, arguments)


async def main():
    command, *args = sys.argv[1:]
    server = StdioServerParameters(command=command, args=args, env=dict(os.environ))
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        started = await session.initialize()
        say(started.model_dump(mode="json", by_alias=True))
        while line := await asyncio.to_thread(sys.stdin.readline):
            try:
                result = await answer(session, json.loads(line))
                say(result.model_dump(mode="json", by_alias=True))
            except Exception as error:  # what the SDK raises is what a client would see
                say({"raised": str(error)})


asyncio.run(main())
