# SPDX-License-Identifier: GPL-2.0-or-later
"""Arguments in, text and exit status out. One module a command; the only place that joins the real machine to the jobs."""
