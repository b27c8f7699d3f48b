# SPDX-License-Identifier: GPL-2.0-or-later
"""A bug report in the form that its reader asks for; which forms there are, ``forms.py`` says."""
