"""How the window looks: one calm theme, light and dark, with fonts of the system so that nothing is fetched.

Out: the theme, the style sheet (`window.css`) and the script (`window.js`) that `launch` hands to Gradio.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

FOLDER = Path(__file__).parent
ACCENT = gr.themes.colors.teal
GREY = gr.themes.colors.slate


def window_theme() -> gr.themes.Base:
    """Small type, flat panels, one accent colour whose contrast with white is above 5:1."""
    theme = gr.themes.Base(primary_hue=ACCENT, secondary_hue=ACCENT, neutral_hue=GREY, text_size="sm", spacing_size="sm",
                           radius_size="sm", font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
                           font_mono=["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"])
    return theme.set(
        body_background_fill="#f4f6f8", body_background_fill_dark="#0f1720",
        block_background_fill="#ffffff", block_background_fill_dark="#17212c",
        block_border_color="#dde3ea", block_border_color_dark="#2a3846", block_border_width="0px", block_shadow="none",
        block_title_text_weight="600", block_title_text_color="*neutral_700", block_title_text_color_dark="*neutral_200",
        block_label_text_color="*neutral_700", block_label_text_color_dark="*neutral_200",
        block_info_text_color="#5b6775", block_info_text_color_dark="#9aa8b7", block_info_text_size="12px",
        input_background_fill="#ffffff", input_background_fill_dark="#0f1720",
        input_border_color="#c9d2dc", input_border_color_dark="#34465a", input_border_width="1px", input_padding="7px 10px",
        button_primary_background_fill="*primary_700", button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover="*primary_800", button_primary_background_fill_hover_dark="*primary_600",
        button_primary_text_color="#ffffff", button_primary_text_color_dark="#ffffff",
        button_secondary_background_fill="#ffffff", button_secondary_background_fill_dark="#1f2c39",
        button_secondary_border_color="#c9d2dc", button_secondary_border_color_dark="#3a4c60",
        button_border_width="1px")


def style_sheet() -> str:
    return (FOLDER / "window.css").read_text(encoding="utf-8")


def head() -> str:
    """The script that opens dialogs, switches projects and listens to keys."""
    return f"<script>{(FOLDER / 'window.js').read_text(encoding='utf-8')}</script>"
