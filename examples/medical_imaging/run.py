"""Medical imaging: the left ventricle in DICOM slices of the heart, and epithelium in patches of tissue; both are drawn."""

from __future__ import annotations

from examples.medical_imaging import hearts, tissue
from examples.running import Example, Figures, main


def run(example: Example) -> Figures:
    """Find the left ventricle, and epithelium, each by a small U-Net."""
    images, contours = hearts.write(example.folder / "hearts", example.few(30, 6), example.few(6, 4))
    hearts_set = example.dataset(
        "Hearts", "generic/create/image-sunnybrook", image_folder=images, contour_folder=contours, folder_pct_val=20
    )
    patches, masks = tissue.write(example.folder / "tissue", example.few(200, 30))
    names = example.folder / "tissue" / "names.txt"
    names.write_text("other\nepithelium\n", encoding="utf-8")
    tissue_set = example.dataset(
        "Tissue", "images/segmentation", feature_folder=patches, label_folder=masks, colormap_method="found",
        class_labels_file=names, folder_pct_val=20,
    )  # fmt: skip
    return _overlap(example, hearts_set, "left ventricle") | _overlap(example, tissue_set, "epithelium")


def _overlap(example: Example, dataset: str, label: str) -> dict[str, float]:
    """Train on a dataset, and return how well what is found covers ``label``: IoU, and Dice's coefficient, which medicine uses."""
    model = example.train(
        label.capitalize(), dataset, "unet", framework="torch", train_epochs=example.few(8, 1), batch_size=16,
        solver_type="ADAM", learning_rate=0.002, lr_policy="cosine", use_mean="none",
    )  # fmt: skip
    iou = example.curve(model, f"iou/{label}/val")[-1]
    return {f"IoU of {label}": iou, f"Dice of {label}": 2 * iou / (1 + iou)}


if __name__ == "__main__":
    main(run)
