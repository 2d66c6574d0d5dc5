"""The report as a browser shows it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from study.report import build

OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--window-size=1280,900",
)  # fmt: skip


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no Chromium here")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for option in (*OPTIONS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(option)
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    yield chrome
    chrome.quit()


@pytest.mark.browser
def test_a_reader_finds_verdicts_rates_and_pictures_on_a_laptop_screen(browser: webdriver.Chrome, make: Any) -> None:
    browser.get(build(make()).as_uri())
    headings = [heading.text for heading in browser.find_elements(By.TAG_NAME, "h2")]
    assert headings.index("Verdicts") < headings.index("Success per cell")
    assert "4 of 5" in browser.find_element(By.TAG_NAME, "body").text
    pictures = browser.find_elements(By.TAG_NAME, "img")
    assert pictures
    assert all(browser.execute_script("return arguments[0].naturalWidth > 0", picture) for picture in pictures)
    assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    loaded = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert [name for name in loaded if not name.startswith("data:")] == []
