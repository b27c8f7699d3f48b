# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``watch`` may do: the file as values and back, which part is for a card, what that allows now. Light: the resident loads it."""

from nicmedic.remedy.policy.choosing import Act, choose_act, find_nic_policy, is_left
from nicmedic.remedy.policy.parsing import parse_policy
from nicmedic.remedy.policy.rendering import render_policy

__all__ = ["Act", "choose_act", "find_nic_policy", "is_left", "parse_policy", "render_policy"]
