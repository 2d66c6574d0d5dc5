for (const film of document.querySelectorAll(".film:has(input)")) {
  const slider = film.querySelector("input"), frames = film.querySelectorAll("img");
  slider.hidden = false;
  slider.value = frames.length - 1; // browsers keep values over a reload
  slider.addEventListener("input", () => {
    frames.forEach((frame, place) => { frame.hidden = place !== slider.valueAsNumber; });
    const text = "step " + frames[slider.valueAsNumber].dataset.step;
    slider.setAttribute("aria-valuetext", text);
    film.querySelector("output").textContent = text;
  });
}
