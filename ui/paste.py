"""A box that takes a picture from the clipboard, which Streamlit's uploader does not."""

import base64
import binascii

import streamlit as st

_MAX_CHARACTERS = 40 * 2**20
_HTML = (
    """<div id="box" tabindex="0" role="button" aria-label="Paste a picture">Click here, then paste a picture</div>"""
)
_CSS = """
#box {
  border: 1px dashed var(--st-border-color); border-radius: var(--st-base-radius); padding: 0.7rem;
  text-align: center; color: var(--st-text-color); font: 0.9rem var(--st-font); cursor: pointer;
}
#box:focus { outline: 2px solid var(--st-primary-color); }
"""
_JS = """
export default function ({ parentElement, setTriggerValue }) {
  const box = parentElement.querySelector("#box");
  box.onpaste = (event) => {
    const item = [...event.clipboardData.items].find((one) => one.type.startsWith("image/"));
    if (!item) { box.textContent = "The clipboard holds no picture"; return; }
    event.preventDefault();
    const reader = new FileReader();
    reader.onload = () => setTriggerValue("pasted", reader.result.split(",")[1]);
    reader.readAsDataURL(item.getAsFile());
  };
}
"""
_box = st.components.v2.component("wishlight_paste", html=_HTML, css=_CSS, js=_JS)


def draw_paste_box() -> bytes | None:
    """The box.

    Returns:
        The bytes that were pasted just now, None when nothing was.
    """
    pasted = _box(key="need-paste", on_pasted_change=lambda: None).pasted
    if not isinstance(pasted, str) or len(pasted) > _MAX_CHARACTERS:
        return None
    try:
        return base64.b64decode(pasted, validate=True)
    except binascii.Error:
        return None
