"""The report and MLflow's UI as a browser shows them: what a reader has to find, on a laptop and on a phone."""

import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from study.outcomes.outcome import Outcome
from study.storage.store import Store
from study.tracking import MlflowTracker, local_uri, saved_views, sync, ui_command

C, M, D = Outcome.CONVERGED, Outcome.MODE_COLLAPSED, Outcome.DIVERGED
OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--window-size=1280,900",
)  # fmt: skip
SHOWN = "return arguments[0].complete && arguments[0].naturalWidth > 0"
OVERFLOW = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
CONTRAST = """
const rgb = color => color.match(/[\\d.]+/g).slice(0, 3).map(Number);
const light = color => rgb(color).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const style = getComputedStyle(document.body), root = getComputedStyle(document.documentElement);
const clear = color => /, 0\\)$/.test(color);
const paper = light(clear(style.backgroundColor) ? root.backgroundColor : style.backgroundColor);
const ink = light(style.color);
return [paper, (Math.max(paper, ink) + 0.05) / (Math.min(paper, ink) + 0.05)];
"""
"""Luminance of the paper, and contrast of the text on it: WCAG 2.2, "relative luminance" and "contrast ratio"."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no Chromium here")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for option in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('browser') / 'profile'}"):
        options.add_argument(option)
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    yield chrome
    chrome.quit()


@pytest.fixture
def page(browser: webdriver.Chrome, mixed: Store) -> webdriver.Chrome:
    """The report of a launch with every outcome, on a laptop screen."""
    device(browser, 1280)
    browser.get_log("browser")  # what an earlier page has said
    browser.get(mixed.report_path.as_uri())
    return browser


def device(browser: webdriver.Chrome, width: int) -> None:
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)


def prefer(browser: webdriver.Chrome, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def wait_for(holds: Callable[[], Any], seconds: float = 60) -> Any:
    """The first true value; a page that is still building itself may lose elements between two looks."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = holds()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("waited too long")


def shares(texts: list[str]) -> list[float]:
    """``4 of 5`` as 0.8."""
    found = [re.search(r"\b(\d+) of (\d+)\b", text) for text in texts]
    return [int(match[1]) / int(match[2]) for match in found if match]


@pytest.mark.browser
def test_a_reader_finds_verdicts_rates_and_pictures_on_a_laptop_screen(page: webdriver.Chrome) -> None:
    headings = [heading.text for heading in page.find_elements(By.TAG_NAME, "h2")]
    assert headings.index("Answer") < headings.index("Verdicts") < headings.index("Success per cell")
    assert page.find_element(By.CSS_SELECTOR, ".answer p").location["y"] < 300
    verdict = page.find_element(By.CSS_SELECTOR, "#verdicts .verdict")
    assert verdict.is_displayed()
    assert verdict.text in ("supported", "contradicted", "undecided")
    said = page.find_element(By.CSS_SELECTOR, ".answer").text
    assert re.search("” is (supported|contradicted|undecided): ", said), "the answer has no verdict"
    assert page.find_element(By.ID, "verdicts").location["y"] < 900, (
        "the table of verdicts does not begin on the first screen"
    )

    rows = page.find_elements(By.CSS_SELECTOR, "#success tbody tr")
    rates = shares([row.text for row in rows])
    assert len(rates) == 4
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == 0.8

    pictures = page.find_elements(By.CSS_SELECTOR, "#samples img")
    assert pictures
    assert all(page.execute_script(SHOWN, picture) for picture in pictures)
    assert page.execute_script(OVERFLOW) <= 0
    loaded = page.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert [name for name in loaded if not name.startswith("data:")] == []
    assert page.get_log("browser") == []


@pytest.mark.browser
def test_a_verdict_is_one_line_that_the_keyboard_opens(page: webdriver.Chrome) -> None:
    lines = page.find_elements(By.CSS_SELECTOR, "#verdicts summary")
    assert max(line.size["height"] for line in lines) < 45
    more = page.find_element(By.CSS_SELECTOR, "#verdicts .more")
    assert not more.is_displayed()
    for _ in range(60):
        page.switch_to.active_element.send_keys(Keys.TAB)
        if page.switch_to.active_element == lines[0]:
            break
    page.switch_to.active_element.send_keys(Keys.ENTER)
    assert more.is_displayed()
    assert "Mao et al. 2017" in more.text
    page.switch_to.active_element.send_keys(Keys.ENTER)
    assert not more.is_displayed()


@pytest.mark.browser
def test_nothing_runs_over_the_edge_of_a_phone(page: webdriver.Chrome) -> None:
    device(page, 400)
    for details in page.find_elements(By.TAG_NAME, "details"):
        page.execute_script("arguments[0].open = true", details)
    assert page.execute_script(OVERFLOW) <= 0


@pytest.mark.browser
def test_captions_can_be_read_on_a_phone_without_scrolling(page: webdriver.Chrome) -> None:
    device(page, 390)
    for details in page.find_elements(By.TAG_NAME, "details"):
        page.execute_script("arguments[0].open = true", details)
    captions = page.find_elements(By.CSS_SELECTOR, ".caption, figcaption")
    assert len(captions) > 10
    assert max(caption.location["x"] + caption.size["width"] for caption in captions) <= 390
    curves = page.find_elements(By.CSS_SELECTOR, ".cell > svg")
    assert max(own.size["width"] for own in curves) <= 390


@pytest.mark.browser
def test_figures_and_samples_fit_a_phone_without_scrolling_sideways(page: webdriver.Chrome) -> None:
    device(page, 390)
    for details in page.find_elements(By.TAG_NAME, "details"):
        page.execute_script("arguments[0].open = true", details)
    drawn = page.find_elements(By.CSS_SELECTOR, "figure svg, figure img, .pair img")
    assert len(drawn) > 10
    assert max(own.location["x"] + own.size["width"] for own in drawn) <= 390
    wide = "return [...document.querySelectorAll('.scroll')].map(own => own.scrollWidth - own.clientWidth)"
    found = page.execute_script(wide)
    assert found
    assert max(found) <= 0


@pytest.mark.browser
def test_text_can_be_read_on_light_and_on_dark_paper(page: webdriver.Chrome) -> None:
    found = {}
    for scheme in ("light", "dark"):
        prefer(page, scheme)
        found[scheme] = page.execute_script(CONTRAST)
    assert found["light"][0] > 0.8
    assert found["dark"][0] < 0.1
    assert min(contrast for _, contrast in found.values()) >= 7


@pytest.mark.browser
def test_a_film_is_reached_and_moved_by_the_keyboard_alone(page: webdriver.Chrome) -> None:
    sliders = page.find_elements(By.CSS_SELECTOR, ".film input[type=range]")
    assert sliders

    def focused() -> WebElement:
        return page.switch_to.active_element

    for _ in range(100):
        focused().send_keys(Keys.TAB)
        if focused() == sliders[0]:
            break
    assert focused() == sliders[0]
    film = sliders[0].find_element(By.XPATH, "ancestor::figure")
    before = film.find_element(By.TAG_NAME, "output").text
    focused().send_keys(Keys.ARROW_LEFT)
    after = film.find_element(By.TAG_NAME, "output").text
    assert after != before
    assert sliders[0].get_attribute("aria-valuetext") == after
    (frame,) = [picture for picture in film.find_elements(By.TAG_NAME, "img") if picture.is_displayed()]
    assert frame.get_attribute("data-step") == after.removeprefix("step ")
    assert page.execute_script(SHOWN, frame)
    assert page.get_log("browser") == []


@pytest.fixture
def ui(make: Any, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of MLflow's UI, and the folder of its database: one launch, whose first cell is not its best."""
    store, out = make([[D, D], [C, C], [C, M]]), tmp_path / "runs"
    assert sync(store, MlflowTracker(local_uri(out)))
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(ui_command(out, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/health"), 120)
        yield f"http://127.0.0.1:{port}", out
    finally:
        server.terminate()
        server.wait(20)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.mark.browser
@pytest.mark.slow
def test_a_reader_finds_cells_by_success_and_a_grid_in_the_tracking_ui(
    browser: webdriver.Chrome, ui: tuple[str, Path]
) -> None:
    root, out = ui
    device(browser, 1600)
    browser.get(root + saved_views(out)["demo"]["cells"])
    best_first = ["full / ns", "no_bn_g / ls(0,1,1)", "full / ls(0,1,1)"]

    def linked() -> list[str]:
        """Texts of the links of a table's rows, from the top down."""
        return browser.execute_script(
            "return [...document.querySelectorAll('[role=row] a')]"
            ".sort((a, b) => a.getBoundingClientRect().y - b.getBoundingClientRect().y).map(a => a.innerText.trim())"
        )

    wait_for(lambda: [text for text in linked() if text in best_first] == best_first)
    headers = "return [...document.querySelectorAll('[role=columnheader]')].map(h => h.innerText.trim())"
    assert {"success_rate", "bn", "objective"} <= set(browser.execute_script(headers))
    browser.get(root + saved_views(out)["demo"]["replicas"])
    wait_for(lambda: sum("mode collapsed (" in text for text in linked()) == 1)

    client = MlflowClient(local_uri(out))
    (experiment,) = [known for known in client.search_experiments() if known.name == "demo"]
    (replica, *_) = client.search_runs([experiment.experiment_id], "tags.outcome = 'mode_collapsed'")
    (grid, *_) = [f.path for f in client.list_artifacts(replica.info.run_id, "images") if f.path.endswith(".png")]
    browser.get(f"{root}/#/experiments/{experiment.experiment_id}/runs/{replica.info.run_id}/artifacts/{grid}")

    def pictures() -> list[tuple[int, int]]:
        return browser.execute_script(
            "return [...document.images].filter(i => i.complete && i.checkVisibility())"
            ".map(i => [i.naturalWidth, i.naturalHeight])"
        )

    wait_for(lambda: [128, 128] in pictures())
