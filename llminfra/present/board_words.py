"""Words of the board's page: what to do on Monday, heads of criteria, why ways are left out."""

from typing import Final

# By the recommendation.
MONDAY: Final = {
    "api": "ask the seller for the contract, and put a gateway of your own in front of it",
    "managed": "ask for an endpoint in your region, and try it with your own prompts",
    "rented": "ask two providers for these machines, and measure on one before you commit",
    "owned": "ask three vendors for these servers, and check power, cooling and space",
    "hybrid": "put a gateway of your own in front of both parts before you buy either",
    "wait": "buy nothing that binds, use this way meanwhile, and measure the load",
    "none open": "take the smallest change that opens a way to whoever can allow it",
}
# Heads of the table of scores.
CRITERION: Final = {
    **{"time": "Soon", "skills": "Few people"},
    **{"place": "Place and keys", "control": "Logs"},
}
# By the step that leaves ways out.
LEFT_OUT: Final = {
    "Gates": "closed by a gate",
    "Feasibility": "not to be had or too small for the load",
    "Quality": "below the quality floor",
}
